import { readFile, stat } from 'node:fs/promises';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { describeIssues } from '../../contracts/problem';
import {
  EVIDENCE_FORMAT,
  EVIDENCE_VERSION,
  type EvidenceFile,
  evidenceFileSchema,
  LARGEST_EVIDENCE_BYTES,
} from './schema';

export type ReadEvidence =
  | { readonly ok: true; readonly evidence: EvidenceFile; readonly text: string }
  | { readonly ok: false; readonly message: string };

const headSchema = z.looseObject({ format: z.literal(EVIDENCE_FORMAT), version: z.number().int() });

/** Reads an evidence file. A message is one line, and says what is wrong with which file. */
export async function readEvidenceFile(file: string): Promise<ReadEvidence> {
  try {
    const { size } = await stat(file);
    if (size > LARGEST_EVIDENCE_BYTES)
      return refused(
        `${file}: ${Math.ceil(size / 1_048_576)} MiB; evidence has ${LARGEST_EVIDENCE_BYTES / 1_048_576} MiB at most`,
      );
    return parseEvidence(await readFile(file, 'utf8'), file);
  } catch {
    return refused(`${file}: cannot be read`);
  }
}

/** Reads evidence from its text. `origin` names it in messages. */
export function parseEvidence(text: string, origin: string): ReadEvidence {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refused(`${origin}: is no JSON, or was cut off; fetch it again`);
  }
  const head = headSchema.safeParse(value);
  if (!head.success) return refused(`${origin}: is no evidence of Countersign`);
  if (head.data.version !== EVIDENCE_VERSION)
    return refused(
      `${origin}: is evidence of version ${head.data.version}; this program reads version ${EVIDENCE_VERSION}, take a newer one`,
    );
  const decoded = evidenceFileSchema.safeParse(value);
  if (!decoded.success) return refused(`${origin}: ${describeIssues(decoded.error, 'evidence')}`);
  return { ok: true, evidence: decoded.data, text };
}

/** The one way to write a piece of evidence: RFC 8785 canonical JSON and a line end. Every byte is then accounted for. */
export function evidenceText(evidence: EvidenceFile): string {
  return `${canonicalize(evidence) ?? ''}\n`;
}

const refused = (message: string): ReadEvidence => ({ ok: false, message });
