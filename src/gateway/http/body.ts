import { IncomingMessage } from 'node:http';
import type { Context } from 'hono';
import type { z } from 'zod';
import { describeIssues } from '../../contracts/problem';
import { HttpProblem } from './problem';
import { type JsonLimits, parseStrictJson } from './strict-json';

const BODY_BYTES = 64 * 1024;

const JSON_TYPE = /^application\/json\s*(;|$)/i;
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads a body as JSON and decodes it.
 *
 * @throws HttpProblem 400 if it is not what the schema says (AuthZEN "Error Responses"), 413 if it is too large
 */
export async function readBody<T>(c: Context, schema: z.ZodType<T>, subject = 'body'): Promise<T> {
  return decode(await readJson(c), schema, subject);
}

/**
 * Reads the fields of a form (application/x-www-form-urlencoded), each once.
 *
 * @throws HttpProblem 400 if it is none, or has a field twice; 413 if it is too large
 */
export async function readForm(c: Context): Promise<Readonly<Record<string, string>>> {
  const fields = [...new URLSearchParams(await readFormText(c))];
  if (new Set(fields.map(([name]) => name)).size !== fields.length)
    throw new HttpProblem(400, 'a field is there twice');
  return Object.fromEntries(fields);
}

/** Reads the text of a body that says that it is a form, and is no longer than it may be. */
export async function readFormText(c: Context, most = BODY_BYTES): Promise<string> {
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(c.req.header('content-type') ?? ''))
    throw new HttpProblem(400, 'the content type must be application/x-www-form-urlencoded');
  return readText(c, most);
}

export function decode<T>(value: unknown, schema: z.ZodType<T>, subject: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new HttpProblem(400, describeIssues(result.error, subject).slice(0, 600));
}

/** Reads the body as strict JSON. Both specifications require an object at the top level. */
export async function readJson(c: Context): Promise<Readonly<Record<string, unknown>>> {
  const read = readObject(await readJsonText(c));
  if (typeof read === 'string') throw new HttpProblem(400, read);
  return read;
}

/** Reads the text of a body that says that it is JSON, and is no longer than it may be. */
export async function readJsonText(c: Context, most = BODY_BYTES, type = JSON_TYPE): Promise<string> {
  if (!type.test(c.req.header('content-type') ?? ''))
    throw new HttpProblem(400, 'the content type must be application/json');
  return readText(c, most);
}

/** Parses strict JSON with an object at the top level. Returns what is wrong with it otherwise. */
export function readObject(text: string, limits?: JsonLimits): Readonly<Record<string, unknown>> | string {
  if (text === '') return 'the body is empty';
  const parsed = parseStrictJson(text, limits);
  if (!parsed.ok) return parsed.message;
  if (typeof parsed.value !== 'object' || parsed.value === null || Array.isArray(parsed.value))
    return 'the body must be a JSON object';
  return parsed.value as Readonly<Record<string, unknown>>;
}

async function readText(c: Context, most = BODY_BYTES): Promise<string> {
  const bytes = await readBytes(c, most);
  try {
    return DECODER.decode(bytes);
  } catch {
    throw new HttpProblem(400, 'the body is not UTF-8');
  }
}

/** Stops reading a body without a length as soon as it is too long. */
async function readBytes(c: Context, most: number): Promise<Uint8Array> {
  const declared = c.req.header('content-length');
  if (declared !== undefined && !(Number(declared) <= most)) throw tooLarge(most);
  const incoming = incomingOf(c);
  return incoming === undefined ? readStream(c.req.raw.body, most) : readIncoming(incoming, most);
}

/** Returns Node's own request if the gateway runs on Node's server. Reading it directly is much faster. */
function incomingOf(c: Context): IncomingMessage | undefined {
  const env: unknown = c.env;
  if (typeof env !== 'object' || env === null || !('incoming' in env)) return undefined;
  return env.incoming instanceof IncomingMessage ? env.incoming : undefined;
}

function readIncoming(incoming: IncomingMessage, most: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size > most) reject(tooLarge(most));
      else chunks.push(chunk);
    });
    incoming.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    const brokeOff = () => reject(new HttpProblem(400, 'the body broke off'));
    incoming.on('error', brokeOff);
    // Every body closes in the end. It broke off only if it was not complete by then.
    incoming.on('close', () => incoming.complete || brokeOff());
  });
}

async function readStream(stream: ReadableStream<Uint8Array> | null, most: number): Promise<Uint8Array> {
  if (stream === null) return new Uint8Array();
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(chunks);
    size += value.byteLength;
    if (size > most) {
      await reader.cancel();
      throw tooLarge(most);
    }
    chunks.push(value);
  }
}

const tooLarge = (most: number) => new HttpProblem(413, `a body may have ${most} bytes`);
