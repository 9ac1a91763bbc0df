import { lookup } from 'node:dns/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { isInternalAddress } from './inner-address';

export type Resolve = (host: string) => Promise<readonly string[]>;

export const resolveByDns: Resolve = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);

/** Where to post: to this address only, even if the name resolves to another one by then. */
export interface Destination {
  readonly url: URL;
  readonly address: string;
}

/**
 * Returns the address to post to, or undefined if the name has none, or an internal one that is not allowed. Call it again for
 * each try, because names change their addresses.
 */
export async function addressFor(
  url: URL,
  { allowInternal }: { readonly allowInternal: boolean },
  resolve: Resolve = resolveByDns,
): Promise<string | undefined> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  let addresses: readonly string[];
  try {
    addresses = isIP(host) === 0 ? await resolve(host) : [host];
  } catch {
    return undefined;
  }
  const [address] = addresses;
  // One internal address among several is enough to refuse.
  if (address === undefined || (!allowInternal && addresses.some(isInternalAddress))) return undefined;
  return address;
}

/** Time-outs for silence and for the whole call: a receiver that sends slowly must not block the sender. */
const SILENCE_MS = 5_000;
const ANSWER_WITHIN_MS = 10_000;

export interface PostAnswer {
  readonly status: number;
  /** `Retry-After` as it came; `retryAfterMs` reads it. */
  readonly retryAfter?: string;
}

/** Posts JSON to a destination, or what the headers say. Returns the status of the answer. Does not follow redirects. */
export function post(
  { url, address }: Destination,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<PostAnswer> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const family = isIP(address);
  return new Promise((resolve, reject) => {
    const request = send(
      url,
      {
        method: 'POST',
        timeout: SILENCE_MS,
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        agent: false,
        // Connects to the address that was checked. TLS and the Host header keep the name.
        lookup: (_host, options, callback) =>
          options.all ? callback(null, [{ address, family }]) : callback(null, address, family),
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          ...headers,
        },
      },
      (response) => {
        // The body of the answer is ignored.
        response.resume();
        const retryAfter = response.headers['retry-after'];
        resolve({ status: response.statusCode ?? 0, ...(retryAfter !== undefined && { retryAfter }) });
      },
    );
    request.on('timeout', () => request.destroy(new Error('timed out')));
    request.on('error', reject);
    request.end(body);
  });
}
