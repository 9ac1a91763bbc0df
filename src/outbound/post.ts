import { lookup } from 'node:dns/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { isInternalAddress } from './inner-address';

export type Resolve = (host: string) => Promise<readonly string[]>;

export const resolveByDns: Resolve = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);

/** Where something is posted: to this address and no other, whatever the name resolves to by then. */
export interface Destination {
  readonly url: URL;
  readonly address: string;
}

/**
 * The address to post to; absent where the name has none, or an inner one that is not allowed. Asked again for each try:
 * names change their addresses.
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
  // One inner address among several is enough to say no: which of them is taken is not ours to choose.
  if (address === undefined || (!allowInternal && addresses.some(isInternalAddress))) return undefined;
  return address;
}

/** Of silence, and of everything together: a receiver that trickles must not hold us. */
const SILENCE_MS = 5_000;
const ANSWER_WITHIN_MS = 10_000;

/** Posts JSON to a destination. Yields the status of the answer; redirects are not followed. */
export function post(
  { url, address }: Destination,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
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
        // The address that was checked is the one that is called; the name stays, for TLS and the Host header.
        lookup: (_host, options, callback) =>
          options.all ? callback(null, [{ address, family }]) : callback(null, address, family),
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          ...headers,
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
