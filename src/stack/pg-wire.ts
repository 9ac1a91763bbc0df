/** As much of PostgreSQL's wire protocol as stands between a client and the embedded database. */

const PROTOCOL_3 = 196_608;
const SSL_REQUEST = 80_877_103;
const GSSENC_REQUEST = 80_877_104;
const CANCEL_REQUEST = 80_877_102;

/** Longer messages than any client of a demo sends are not read into memory. */
const LONGEST_MESSAGE = 16 * 1024 * 1024;
const LONGEST_OPENING = 10_000;

/** What a client says before it is logged in. */
export type Opening =
  | { readonly kind: 'encryption' }
  | { readonly kind: 'startup'; readonly user: string; readonly message: Buffer }
  | { readonly kind: 'other' };

/** Cuts a stream of bytes into the protocol's messages. */
export class MessageReader {
  #buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
  }

  /** The next opening message: they have a length, but no type. */
  opening(): Opening | undefined {
    const message = this.#take(0, LONGEST_OPENING);
    if (message === undefined) return undefined;
    const code = message.length >= 8 ? message.readInt32BE(4) : CANCEL_REQUEST;
    if (code === SSL_REQUEST || code === GSSENC_REQUEST) return { kind: 'encryption' };
    if (code !== PROTOCOL_3) return { kind: 'other' };
    return { kind: 'startup', user: userOf(message), message };
  }

  /** The next message of a session. */
  message(): Buffer | undefined {
    return this.#take(1, LONGEST_MESSAGE);
  }

  #take(typeBytes: number, longest: number): Buffer | undefined {
    if (this.#buffer.length < typeBytes + 4) return undefined;
    const length = this.#buffer.readInt32BE(typeBytes);
    if (length < 4 || length > longest) throw new Error('not a message of the PostgreSQL protocol');
    const end = typeBytes + length;
    if (this.#buffer.length < end) return undefined;
    const message = this.#buffer.subarray(0, end);
    this.#buffer = this.#buffer.subarray(end);
    return message;
  }
}

const UNIT_ENDS = new Set(['Q', 'S', 'F']);

/** Whether the server answers up to here, so that another session may have its turn: a query, a sync, a function call. */
export const endsUnit = (message: Buffer): boolean => UNIT_ENDS.has(typeOf(message));

export const isTerminate = (message: Buffer): boolean => typeOf(message) === 'X';

const typeOf = (message: Buffer): string => String.fromCharCode(message[0] ?? 0);

/** An error after which the session ends. */
export function fatalError(sqlState: string, text: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${sqlState}\0M${text}\0\0`);
  const head = Buffer.alloc(5);
  head.write('E', 0);
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

function userOf(startup: Buffer): string {
  const words = startup.subarray(8).toString('utf8').split('\0');
  for (let at = 0; at + 1 < words.length; at += 2) if (words[at] === 'user') return words[at + 1] ?? '';
  return '';
}
