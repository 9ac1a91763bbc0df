/** The part of PostgreSQL's wire protocol that the embedded database needs between itself and a client. */

const PROTOCOL_3 = 196_608;
const SSL_REQUEST = 80_877_103;
const GSSENC_REQUEST = 80_877_104;
const CANCEL_REQUEST = 80_877_102;

/** No client of a demo sends longer messages, so longer ones are not read into memory. */
const LONGEST_MESSAGE = 16 * 1024 * 1024;
const LONGEST_OPENING = 10_000;

/** What a client sends before it is logged in. */
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

  /** Returns the next message of the login, or undefined if it is not complete. These messages have no type. */
  opening(): Opening | undefined {
    const message = this.#take(0, LONGEST_OPENING);
    if (message === undefined) return undefined;
    const code = message.length >= 8 ? message.readInt32BE(4) : CANCEL_REQUEST;
    if (code === SSL_REQUEST || code === GSSENC_REQUEST) return { kind: 'encryption' };
    if (code !== PROTOCOL_3) return { kind: 'other' };
    return { kind: 'startup', user: userOf(message), message };
  }

  /** Returns the next message of a session, or undefined if it is not complete. */
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

/** True if the server answers everything up to this message, so that another session may go next. */
export const endsUnit = (message: Buffer): boolean => UNIT_ENDS.has(typeOf(message));

/** True if the client ends the session. */
export const isTerminate = (message: Buffer): boolean => typeOf(message) === 'X';

const typeOf = (message: Buffer): string => String.fromCharCode(message[0] ?? 0);

/** Makes the message of an error that ends the session. */
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
