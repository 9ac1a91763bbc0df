/** The longest message, in bytes. */
const MOST_BYTES = 8 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * Splits a stream of bytes into lines, without their line feeds. Only a line feed ends a line: what else a reader may take for one
 * stays inside.
 *
 * @throws RangeError if a line is longer than a message may be
 */
export async function* linesOf(stream: AsyncIterable<Buffer | string>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    let rest = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      yield Buffer.concat([...parts, rest.subarray(0, end)]);
      rest = rest.subarray(end + 1);
      parts = [];
      length = 0;
    }
    length += rest.length;
    if (length > MOST_BYTES) throw new RangeError(`a message is longer than ${MOST_BYTES} bytes`);
    parts.push(rest);
  }
  if (length > 0) yield Buffer.concat(parts);
}
