import { IncomingMessage } from 'node:http';
import type { Context } from 'hono';
import type { z } from 'zod';
import { describeIssues } from '../../contracts/problem';
import { HttpProblem } from './problem';
import { parseStrictJson } from './strict-json';

export const BODY_BYTES = 64 * 1024;

const JSON_TYPE = /^application\/json\s*(;|$)/i;
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads a body as JSON and decodes it. Whatever is wrong with it is a 400 (AuthZEN "Error Responses"), or a 413. */
export async function readBody<T>(c: Context, schema: z.ZodType<T>, subject = 'body'): Promise<T> {
  return decode(await readJson(c), schema, subject);
}

export function decode<T>(value: unknown, schema: z.ZodType<T>, subject: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new HttpProblem(400, describeIssues(result.error, subject).slice(0, 600));
}

/** The body as strict JSON; the top level is an object, as both specifications have it. */
export async function readJson(c: Context): Promise<Readonly<Record<string, unknown>>> {
  if (!JSON_TYPE.test(c.req.header('content-type') ?? ''))
    throw new HttpProblem(400, 'the content type must be application/json');
  const text = await readText(c);
  if (text === '') throw new HttpProblem(400, 'the body is empty');
  const parsed = parseStrictJson(text);
  if (!parsed.ok) throw new HttpProblem(400, parsed.message);
  if (typeof parsed.value !== 'object' || parsed.value === null || Array.isArray(parsed.value))
    throw new HttpProblem(400, 'the body must be a JSON object');
  return parsed.value as Readonly<Record<string, unknown>>;
}

async function readText(c: Context): Promise<string> {
  const bytes = await readBytes(c);
  try {
    return DECODER.decode(bytes);
  } catch {
    throw new HttpProblem(400, 'the body is not UTF-8');
  }
}

/** A body without a length is cut off as soon as it is too long, not after it is in memory. */
async function readBytes(c: Context): Promise<Uint8Array> {
  const declared = c.req.header('content-length');
  if (declared !== undefined && !(Number(declared) <= BODY_BYTES)) throw tooLarge();
  const incoming = incomingOf(c);
  return incoming === undefined ? readStream(c.req.raw.body) : readIncoming(incoming);
}

/** Node's own request, where the gateway runs on Node's own server: reading it directly is a good deal faster. */
function incomingOf(c: Context): IncomingMessage | undefined {
  const env: unknown = c.env;
  if (typeof env !== 'object' || env === null || !('incoming' in env)) return undefined;
  return env.incoming instanceof IncomingMessage ? env.incoming : undefined;
}

function readIncoming(incoming: IncomingMessage): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size > BODY_BYTES) reject(tooLarge());
      else chunks.push(chunk);
    });
    incoming.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    const brokeOff = () => reject(new HttpProblem(400, 'the body broke off'));
    incoming.on('error', brokeOff);
    // Every body closes in the end; only one that was not whole by then broke off, and errors are dear to make.
    incoming.on('close', () => incoming.complete || brokeOff());
  });
}

async function readStream(stream: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  if (stream === null) return new Uint8Array();
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(chunks);
    size += value.byteLength;
    if (size > BODY_BYTES) {
      await reader.cancel();
      throw tooLarge();
    }
    chunks.push(value);
  }
}

const tooLarge = () => new HttpProblem(413, `a body may have ${BODY_BYTES} bytes`);
