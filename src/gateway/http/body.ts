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
  const declared = Number(c.req.header('content-length') ?? 0);
  if (declared > BODY_BYTES) throw tooLarge();
  const bytes = await readBounded(c.req.raw.body);
  try {
    return DECODER.decode(bytes);
  } catch {
    throw new HttpProblem(400, 'the body is not UTF-8');
  }
}

/** A body without a length is cut off as soon as it is too long, not after it is in memory. */
async function readBounded(stream: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  if (stream === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.byteLength;
    if (size > BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

const tooLarge = () => new HttpProblem(413, `a body may have ${BODY_BYTES} bytes`);
