/** What is asked for, and how much of an answer is read. */
export interface BoundedCall {
  readonly headers?: Readonly<Record<string, string>>;
  /** For the whole call, the body included. */
  readonly withinMs: number;
  readonly mostBytes: number;
}

export interface BoundedAnswer {
  readonly status: number;
  /** The type without its parameters, in small letters. */
  readonly type: string;
  readonly retryAfter?: string;
  readonly text: string;
}

/** Why there is no answer, without the address. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/**
 * Gets a text by HTTP. It follows no redirect, and stops at the limits: bytes are counted as they come out of decompression.
 *
 * @throws NoAnswer if there is none within the limits
 */
export async function fetchBounded(url: URL, call: BoundedCall): Promise<BoundedAnswer> {
  const { headers = {}, withinMs, mostBytes } = call;
  const signal = AbortSignal.timeout(withinMs);
  try {
    const response = await fetch(url, { headers, redirect: 'manual', signal });
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      throw new NoAnswer('it answered with a redirect, which is not followed');
    }
    const retryAfter = response.headers.get('retry-after');
    return {
      status: response.status,
      type: (response.headers.get('content-type') ?? '').replace(/;.*/s, '').trim().toLowerCase(),
      ...(retryAfter !== null && { retryAfter }),
      text: await textOf(response, mostBytes),
    };
  } catch (error) {
    if (error instanceof NoAnswer) throw error;
    if (signal.aborted) throw new NoAnswer(`it did not answer within ${withinMs / 1_000} seconds`);
    throw new NoAnswer(`it cannot be reached${codeOf(error)}`);
  }
}

async function textOf(response: Response, mostBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new NoAnswer(`it answered with more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new NoAnswer('it answered with something else than UTF-8 text');
  }
}

/** Returns the code of a network error, which `fetch` hides in its cause. */
function codeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' && /^[A-Z_]{2,60}$/.test(code) ? ` (${code})` : '';
}

/** Returns true if an address is safe to send a secret to: by TLS, or on this machine. */
export function isPrivateOnTheWay(url: URL): boolean {
  return (
    url.protocol === 'https:' ||
    (url.protocol === 'http:' && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname))
  );
}
