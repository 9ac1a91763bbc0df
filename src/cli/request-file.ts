import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { describeIssues } from '../contracts/problem';
import {
  accessRequestSchema,
  namedEntitlement,
  newRequestSchema,
  newSubmissionSchema,
} from '../contracts/request';
import { LIMITS } from '../domain/limits';
import type { AccessRequest, Submission } from '../domain/request';
import { parseDurationMs } from './duration';
import { parseMomentMs, sayMoment } from './moment';
import { UserError, usageError } from './output';

/** A request as people write it. Members that are left out get defaults; unknown members are refused. */
export const requestFileSchema = accessRequestSchema
  .omit({ durationMs: true, notBeforeMs: true, submittedAtMs: true })
  .partial({ id: true, kind: true, beneficiary: true, emergency: true, onBehalfOf: true })
  .extend({
    /** The object, or `connector:resource#action`. */
    entitlement: z.union(
      [newRequestSchema.shape.entitlement, namedEntitlement],
      'is not of the form connector:resource#action',
    ),
    duration: z.string(),
    /** When access begins at the earliest: a time with its zone, or a span from now. */
    notBefore: z.string().exactOptional(),
  });

export type RequestFile =
  | { readonly signed: true; readonly submission: Submission }
  | { readonly signed: false; readonly request: AccessRequest };

/** Members of a request that options set, in the form that a request file has. They replace those of the file. */
export type RequestMembers = Partial<z.input<typeof requestFileSchema>>;

/**
 * Reads a request from a YAML or JSON file: either a whole signed submission, or a request that is yet to be signed.
 *
 * @throws UserError if the file cannot be read, or what it says is not a request
 */
export async function readRequestFile(
  file: string,
  nowMs: number,
  members: RequestMembers = {},
): Promise<RequestFile> {
  const content = parse(file, await readBounded(file));
  const signed = newSubmissionSchema.safeParse(content);
  const isSigned = typeof content === 'object' && content !== null && 'proof' in content;
  if (isSigned && Object.keys(members).length > 0)
    throw usageError(`${file} is signed, so options cannot change it`);
  if (signed.success) return { signed: true, submission: signed.data };
  if (isSigned) throw malformed(file, describeIssues(signed.error, 'submission'));
  const isMap = typeof content === 'object' && content !== null && !Array.isArray(content);
  return { signed: false, request: requestFrom(isMap ? { ...content, ...members } : content, file, nowMs) };
}

/**
 * Makes a request from members in the form that a request file has. `file` is where they come from;
 * without one they come from options, so that what is wrong with them is wrong usage.
 *
 * @throws UserError if they are not a request
 */
export function requestFrom(content: unknown, file: string | undefined, nowMs: number): AccessRequest {
  const invalid = (what: string): UserError =>
    file === undefined ? usageError(what) : malformed(file, what);
  const parsed = requestFileSchema.safeParse(content);
  if (!parsed.success) throw invalid(describeIssues(parsed.error, 'request'));
  const { duration, notBefore, entitlement, ...rest } = parsed.data;
  const start = file === undefined ? '--at' : `${file}: notBefore`;
  const notBeforeMs = notBefore === undefined ? undefined : parseMomentMs(notBefore, start, 'after', nowMs);
  if (notBeforeMs !== undefined && notBeforeMs <= nowMs)
    throw invalid(`${start}: ${sayMoment(notBeforeMs)} is over`);
  const request = newRequestSchema.safeParse({
    id: randomUUID(),
    kind: 'access',
    beneficiary: rest.requester,
    emergency: false,
    onBehalfOf: [],
    ...rest,
    // YAML's `|` adds a line break at the end that nobody typed.
    reason: rest.reason.trimEnd(),
    entitlement,
    durationMs: parseDurationMs(duration, file === undefined ? '--for' : `${file}: duration`),
    ...(notBeforeMs !== undefined && { notBeforeMs }),
    submittedAtMs: nowMs,
  });
  if (!request.success) throw invalid(describeIssues(request.error, 'request'));
  return request.data;
}

async function readBounded(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    const { size } = await stat(file);
    if (size > LIMITS.requestBytes)
      throw new UserError(`${file}: a request may have ${LIMITS.requestBytes} bytes`);
    bytes = await readFile(file);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`cannot read ${file}`);
  }
  // Decoding would replace other bytes, and another text would be signed than the one in the file.
  if (!isUtf8(bytes)) throw malformed(file, 'some of its bytes are not UTF-8');
  return bytes.toString('utf8');
}

function parse(file: string, text: string): unknown {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error)
    throw malformed(
      `${file}:${error.linePos?.[0].line ?? 1}`,
      error.message.split('\n')[0] ?? 'not YAML or JSON',
    );
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    throw malformed(file, 'aliases are not allowed in a request');
  }
}

const malformed = (where: string, what: string) => new UserError(`${where}: ${what}`, 1, 'INVALID_REQUEST');
