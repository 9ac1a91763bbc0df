import { readFileSync } from 'node:fs';
import { addressFor, type Destination, post, type Resolve, resolveByDns } from '../../outbound/post';
import { webhookHeaders, webhookSecret } from '../../outbound/standard-webhooks';
import type { GatewayConfig } from '../config';
import { HttpProblem } from '../http/problem';

type CallbackRule = GatewayConfig['callbacks'][number];

interface SignedDestination extends Destination {
  readonly secret: Buffer;
}

/** Shorter secrets could be guessed. Notifications demand the same. */
const SHORTEST_SECRET_BYTES = 24;

/** Sends completion notices (profile, "Callback Completion"), signed by Standard Webhooks 1.0 with a shared key. */
export class Callbacks {
  /** @throws Error (one line) if the secret of a rule is missing or too short */
  constructor(
    private readonly rules: readonly CallbackRule[],
    private readonly resolve: Resolve = resolveByDns,
  ) {
    for (const { secretFile } of rules)
      if (secretIn(secretFile) === undefined)
        throw new Error(
          `${secretFile}: needs a secret of ${SHORTEST_SECRET_BYTES} random bytes or more in base64; the file cannot be read or its secret is shorter`,
        );
  }

  /** @throws HttpProblem 400 if this caller may not be called back at this endpoint */
  async check(endpoint: string, principal: string): Promise<void> {
    if ((await this.destination(endpoint, principal)) === undefined)
      throw new HttpProblem(
        400,
        'callback.endpoint is not registered for this caller, or leads to an internal address',
      );
  }

  /** Returns where a callback goes, or undefined if it may not go there or cannot be signed. Resolved again for each try. */
  async destination(endpoint: string, principal: string): Promise<SignedDestination | undefined> {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
    if (url === undefined || url.username !== '' || url.password !== '' || url.hash !== '') return undefined;
    const rule = this.#ruleFor(url, principal);
    if (rule === undefined || (url.protocol !== 'https:' && !rule.allowInternal)) return undefined;
    const address = await addressFor(url, rule, this.resolve);
    const secret = secretIn(rule.secretFile);
    return address === undefined || secret === undefined ? undefined : { url, address, secret };
  }

  /** Delivers once. Returns `gone` if the endpoint answers 410 or is no longer registered, and `later` if a retry may help. */
  async deliver(
    endpoint: string,
    principal: string,
    body: object,
    id: string,
  ): Promise<'taken' | 'later' | 'gone'> {
    if (!this.#isRegistered(endpoint, principal)) return 'gone';
    const destination = await this.destination(endpoint, principal);
    if (destination === undefined) return 'later';
    const text = JSON.stringify(body);
    const headers = webhookHeaders(destination.secret, id, text);
    const { status } = await post(destination, text, headers).catch(() => ({ status: 0 }));
    if (status >= 200 && status < 300) return 'taken';
    return status === 410 ? 'gone' : 'later';
  }

  #isRegistered(endpoint: string, principal: string): boolean {
    return URL.canParse(endpoint) && this.#ruleFor(new URL(endpoint), principal) !== undefined;
  }

  #ruleFor(url: URL, principal: string): CallbackRule | undefined {
    return this.rules.find((one) => one.principals.includes(principal) && isUnder(url, one.prefix));
  }
}

/** Reads a secret, again each time so that it can be rotated. Returns undefined if it is unusable. */
function secretIn(file: string): Buffer | undefined {
  try {
    const secret = webhookSecret(readFileSync(file, 'utf8'));
    return secret.length < SHORTEST_SECRET_BYTES ? undefined : secret;
  } catch {
    return undefined;
  }
}

/** Returns true for the same origin and the same path or one below it. */
function isUnder(url: URL, prefix: string): boolean {
  const base = new URL(prefix);
  if (url.origin !== base.origin) return false;
  const path = base.pathname.replace(/\/$/, '');
  return url.pathname === path || url.pathname.startsWith(`${path}/`) || url.pathname === base.pathname;
}
