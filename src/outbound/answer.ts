/** An answer with more bytes than are read. */
export class AnswerTooLong extends Error {
  override readonly name = 'AnswerTooLong';
}

/**
 * Reads the body of an answer. Bytes are counted as they come out of decompression.
 *
 * @throws AnswerTooLong over the limit: half an answer would be a wrong one
 */
export async function boundedBody(response: Response, mostBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new AnswerTooLong(`it answered with more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Returns a JSON answer, or undefined if it is none, or over the limit. */
export async function boundedJson(response: Response, mostBytes: number): Promise<unknown> {
  try {
    return JSON.parse((await boundedBody(response, mostBytes)).toString('utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Returns the code of a network error, which `fetch` hides in its cause, in brackets; empty if it has none. It looks at members alone:
 * such an error is not of this realm everywhere.
 */
export function networkCode(error: unknown): string {
  const code = memberOf(memberOf(error, 'cause') ?? error, 'code');
  return typeof code === 'string' && /^[A-Z_]{2,60}$/.test(code) ? ` (${code})` : '';
}

const memberOf = (value: unknown, name: 'cause' | 'code'): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
