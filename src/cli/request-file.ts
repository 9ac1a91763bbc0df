import { randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { describeIssues } from '../contracts/problem';
import { accessRequestSchema, newRequestSchema, newSubmissionSchema } from '../contracts/request';
import { LIMITS } from '../domain/limits';
import type { AccessRequest, Submission } from '../domain/request';
import { parseDurationMs } from './duration';
import { UserError } from './output';

/** A request as people write it. What is left out is filled in; what is not understood is refused. */
const requestFileSchema = accessRequestSchema
  .omit({ durationMs: true, submittedAtMs: true })
  .partial({ id: true, kind: true, beneficiary: true, emergency: true, onBehalfOf: true })
  .extend({
    /** The object, or `connector:resource#action`. */
    entitlement: z.union([
      newRequestSchema.shape.entitlement,
      z.string().regex(/^[^:#]+:[^#]+#[^#]+$/, 'is not of the form connector:resource#action'),
    ]),
    duration: z.string(),
  });

export type RequestFile =
  | { readonly signed: true; readonly submission: Submission }
  | { readonly signed: false; readonly request: AccessRequest };

/** Reads a request from a YAML or JSON file: either a whole signed submission, or a request that is yet to be signed. */
export async function readRequestFile(file: string, nowMs: number): Promise<RequestFile> {
  const content = parse(file, await readBounded(file));
  const signed = newSubmissionSchema.safeParse(content);
  if (signed.success) return { signed: true, submission: signed.data };
  if (typeof content === 'object' && content !== null && 'proof' in content)
    throw malformed(file, describeIssues(signed.error, 'submission'));
  const parsed = requestFileSchema.safeParse(content);
  if (!parsed.success) throw malformed(file, describeIssues(parsed.error, 'request'));
  const { duration, entitlement, ...rest } = parsed.data;
  const request = newRequestSchema.safeParse({
    id: randomUUID(),
    kind: 'access',
    beneficiary: rest.requester,
    emergency: false,
    onBehalfOf: [],
    ...rest,
    // YAML's `|` ends a text with a line break that nobody wrote.
    reason: rest.reason.trimEnd(),
    entitlement: typeof entitlement === 'string' ? splitEntitlement(entitlement) : entitlement,
    durationMs: parseDurationMs(duration, `${file}: duration`),
    submittedAtMs: nowMs,
  });
  if (!request.success) throw malformed(file, describeIssues(request.error, 'request'));
  return { signed: false, request: request.data };
}

/** Takes `connector:resource#action` apart. */
export function splitEntitlement(text: string) {
  const colon = text.indexOf(':');
  const hash = text.lastIndexOf('#');
  return {
    connector: text.slice(0, colon),
    resource: text.slice(colon + 1, hash),
    action: text.slice(hash + 1),
  };
}

async function readBounded(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > LIMITS.requestBytes)
      throw new UserError(`${file}: a request may have ${LIMITS.requestBytes} bytes`);
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`cannot read ${file}`);
  }
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
