import { createHmac } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP } from 'node:net';
import type { GatewayConfig } from '../config';
import { HttpProblem } from '../http/problem';

type CallbackRule = GatewayConfig['callbacks'][number];

/** Addresses that are nobody's business from outside (RFC 6890). Two lists, since one mixes mapped addresses up. */
const INTERNAL = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  INTERNAL.ipv4.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::', 96],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  INTERNAL.ipv6.addSubnet(network, prefix, 'ipv6');

/** Whether an address is loopback, link-local, private or otherwise internal. What is no address is. */
export function isInternalAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 0) return true;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  return INTERNAL[family].check(address, family);
}

export type Resolve = (host: string) => Promise<readonly string[]>;

const resolveByDns: Resolve = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);

/** A callback that is ready to be sent: to this address and no other, whatever a name resolves to by then. */
export interface Destination {
  readonly url: URL;
  readonly address: string;
  readonly secret: Buffer;
}

const TIMEOUT_MS = 5_000;

/** Sends completion notices (profile, "Callback Completion"), signed by Standard Webhooks 1.0 with a shared key. */
export class Callbacks {
  constructor(
    private readonly rules: readonly CallbackRule[],
    private readonly resolve: Resolve = resolveByDns,
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
  async destination(endpoint: string, principal: string): Promise<Destination | undefined> {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
    if (url === undefined || url.username !== '' || url.password !== '' || url.hash !== '') return undefined;
    const rule = this.#ruleFor(url, principal);
    if (rule === undefined || (url.protocol !== 'https:' && !rule.allowInternal)) return undefined;
    const host = url.hostname.replace(/^\[|\]$/g, '');
    let addresses: readonly string[];
    try {
      addresses = isIP(host) === 0 ? await this.resolve(host) : [host];
    } catch {
      return undefined;
    }
    const [address] = addresses;
    // One inner address among several is enough to say no: which of them is taken is not ours to choose.
    if (address === undefined || (!rule.allowInternal && addresses.some(isInternalAddress))) return undefined;
    return { url, address, secret: secretOf(rule.secretFile) };
  }

  /** Tells the endpoint, once. `gone` where it will never be taken: it says so, or may not be told any more. */
  async deliver(
    endpoint: string,
    principal: string,
    body: object,
    id: string,
  ): Promise<'taken' | 'later' | 'gone'> {
    if (!this.#isRegistered(endpoint, principal)) return 'gone';
    const destination = await this.destination(endpoint, principal);
    if (destination === undefined) return 'later';
    const status = await post(destination, JSON.stringify(body), id).catch(() => 0);
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

/** The same origin, and the same path or one below it. */
function isUnder(url: URL, prefix: string): boolean {
  const base = new URL(prefix);
  if (url.origin !== base.origin) return false;
  const path = base.pathname.replace(/\/$/, '');
  return url.pathname === path || url.pathname.startsWith(`${path}/`) || url.pathname === base.pathname;
}

/** A Standard Webhooks secret: base64, with or without its `whsec_`. */
function secretOf(file: string): Buffer {
  return Buffer.from(
    readFileSync(file, 'utf8')
      .trim()
      .replace(/^whsec_/, ''),
    'base64',
  );
}

/** `webhook-signature` of Standard Webhooks 1.0, symmetric. */
export function webhookSignature(secret: Buffer, id: string, timestamp: string, body: string): string {
  return `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

function post({ url, address, secret }: Destination, body: string, id: string): Promise<number> {
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const family = isIP(address);
  return new Promise((resolve, reject) => {
    const request = send(
      url,
      {
        method: 'POST',
        timeout: TIMEOUT_MS,
        agent: false,
        // The address that was checked is the one that is called; the name stays, for TLS and the Host header.
        lookup: (_host, options, callback) =>
          options.all ? callback(null, [{ address, family }]) : callback(null, address, family),
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': webhookSignature(secret, id, timestamp, body),
        },
      },
      (response) => {
        // Neither the answer nor a redirect in it is of interest.
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    request.on('timeout', () => request.destroy(new Error('timed out')));
    request.on('error', reject);
    request.end(body);
  });
}
