import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { addressFor, type Destination, post, type Resolve, resolveByDns } from '../../outbound/post';
import { webhookHeaders, webhookSecret } from '../../outbound/standard-webhooks';
import type { GatewayConfig } from '../config';
import { HttpProblem } from '../http/problem';

type CallbackRule = GatewayConfig['callbacks'][number];

const TRIES = 5;

interface SignedDestination extends Destination {
  readonly secret: Buffer;
}

/** Sends completion notices (profile, "Callback Completion"), signed by Standard Webhooks 1.0 with a shared key. */
export class Callbacks {
  constructor(
    private readonly rules: readonly CallbackRule[],
    private readonly resolve: Resolve = resolveByDns,
    private readonly firstPauseMs = 1_000,
  ) {}

  /** @throws HttpProblem 400 where this caller may not be called back there */
  async check(endpoint: string, principal: string): Promise<void> {
    if ((await this.destination(endpoint, principal)) === undefined)
      throw new HttpProblem(
        400,
        'callback.endpoint is not registered for this caller, or leads to an inner address',
      );
  }

  /** Where a callback may go; absent where it may not. Asked again for each try: names change their addresses. */
  async destination(endpoint: string, principal: string): Promise<SignedDestination | undefined> {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
    if (url === undefined || url.username !== '' || url.password !== '' || url.hash !== '') return undefined;
    const rule = this.rules.find((one) => one.principals.includes(principal) && isUnder(url, one.prefix));
    if (rule === undefined || (url.protocol !== 'https:' && !rule.allowInternal)) return undefined;
    const address = await addressFor(url, rule, this.resolve);
    if (address === undefined) return undefined;
    return { url, address, secret: webhookSecret(readFileSync(rule.secretFile, 'utf8')) };
  }

  /** Tells the endpoint, several times if need be. Yields whether it took it. */
  async deliver(endpoint: string, principal: string, body: object): Promise<boolean> {
    const id = `msg_${randomUUID()}`;
    const text = JSON.stringify(body);
    for (let tries = 1; tries <= TRIES; tries += 1) {
      const destination = await this.destination(endpoint, principal);
      if (destination === undefined) return false;
      const headers = webhookHeaders(destination.secret, id, text);
      const status = await post(destination, text, headers).catch(() => 0);
      if (status >= 200 && status < 300) return true;
      if (status === 410) return false;
      if (tries < TRIES) await pause(this.firstPauseMs * 4 ** (tries - 1));
    }
    return false;
  }
}

/** The same origin, and the same path or one below it. */
function isUnder(url: URL, prefix: string): boolean {
  const base = new URL(prefix);
  if (url.origin !== base.origin) return false;
  const path = base.pathname.replace(/\/$/, '');
  return url.pathname === path || url.pathname.startsWith(`${path}/`) || url.pathname === base.pathname;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());
