import { z } from 'zod';
import { parseStrictJson } from '../gateway/http/strict-json';

/** A message is larger than the body of a call to a gateway: a model may read and write whole files. */
const LIMITS = { depth: 64, members: 200_000 };

const idSchema = z.union([z.string(), z.number()]);
export type MessageId = z.output<typeof idSchema>;

const messageSchema = z.looseObject({
  jsonrpc: z.literal('2.0'),
  id: idSchema.exactOptional(),
  method: z.string().exactOptional(),
  params: z.looseObject({}).exactOptional(),
});
/** A message of JSON-RPC, as far as the gate reads it. */
export type RpcMessage = z.output<typeof messageSchema>;

export type ReadMessage =
  | { readonly ok: true; readonly message: RpcMessage }
  | { readonly ok: false; readonly why: string };

/**
 * Reads a message of a client. Refuses what another reader could read as another message: a member that stands twice, a number that
 * a double cannot hold, a batch.
 */
export function readClientMessage(line: Buffer): ReadMessage {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line);
  } catch {
    return { ok: false, why: 'the message is not UTF-8' };
  }
  const parsed = parseStrictJson(text, LIMITS);
  if (!parsed.ok) return { ok: false, why: parsed.message.replace(/^the body/, 'the message') };
  const message = messageSchema.safeParse(parsed.value);
  if (message.success) return { ok: true, message: message.data };
  return { ok: false, why: 'the message is not one message of JSON-RPC 2.0' };
}

/** Reads a message of a server, which is passed on as it is. Returns undefined if it is none. */
export function readServerMessage(line: Buffer): RpcMessage | undefined {
  try {
    return messageSchema.safeParse(JSON.parse(line.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

/** What some readers take for the end of a line, although JSON allows it inside a text. */
const LINE_ENDS = /[\u0085\u2028\u2029]/g;

/**
 * Writes a message as one line that every reader reads alike. A server whose reader ends lines at a carriage return would find
 * messages of their own inside a message that was passed on as it was written.
 */
export const lineOf = (message: unknown): string =>
  `${JSON.stringify(message).replace(LINE_ENDS, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
