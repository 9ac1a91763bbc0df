import { AnswerTooLong, boundedBody, networkCode } from './answer';

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
      text: textIn(await boundedBody(response, mostBytes)),
    };
  } catch (error) {
    if (error instanceof NoAnswer) throw error;
    if (error instanceof AnswerTooLong) throw new NoAnswer(error.message);
    if (signal.aborted) throw new NoAnswer(`it did not answer within ${withinMs / 1_000} seconds`);
    throw new NoAnswer(`it cannot be reached${networkCode(error)}`);
  }
}

function textIn(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new NoAnswer('it answered with something else than UTF-8 text');
  }
}
