import canonicalize from 'canonicalize';
import { z } from 'zod';
import { isDeeperThan } from '../../contracts/depth';
import { describeIssues } from '../../contracts/problem';
import { readBounded, UnreadableFile } from './bounded-file';
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

/** Reads an evidence file. The message of a failure is one line that names the file and what is wrong. */
export async function readEvidenceFile(file: string): Promise<ReadEvidence> {
  try {
    return parseEvidenceBytes(await readBounded(file, LARGEST_EVIDENCE_BYTES), file);
  } catch (error) {
    return refused(error instanceof UnreadableFile ? error.message : `${file}: cannot be read`);
  }
}

/** Parses evidence from bytes. Bytes that are not valid UTF-8 are refused, so that every byte is accounted for. */
export function parseEvidenceBytes(bytes: Uint8Array, origin: string): ReadEvidence {
  if (bytes.length > LARGEST_EVIDENCE_BYTES) return refused(`${origin}: is larger than evidence can be`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refused(`${origin}: is not JSON: some of its bytes are not UTF-8`);
  }
  return parseEvidence(text, origin);
}

/** Parses evidence from text. `origin` names it in messages. */
export function parseEvidence(text: string, origin: string): ReadEvidence {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refused(`${origin}: is not JSON, or was cut off; fetch it again`);
  }
  const head = headSchema.safeParse(value);
  if (!head.success) return refused(`${origin}: is not evidence of Countersign`);
  if (head.data.version !== EVIDENCE_VERSION)
    return refused(
      `${origin}: is evidence of version ${head.data.version}; this program reads version ${EVIDENCE_VERSION}; use a newer one`,
    );
  if (isDeeperThan(value, DEEPEST))
    return refused(`${origin}: is nested more than ${DEEPEST} levels deep, which evidence never is`);
  const decoded = evidenceFileSchema.safeParse(value);
  if (!decoded.success) return refused(`${origin}: ${describeIssues(decoded.error, 'evidence')}`);
  return { ok: true, evidence: decoded.data, text };
}

/** Code that walks evidence recurses; this depth is far below the limit of the stack. */
const DEEPEST = 800;

/** Formats evidence: RFC 8785 canonical JSON and a line end, so that every byte is determined. */
export function evidenceText(evidence: EvidenceFile): string {
  return `${canonicalize(evidence) ?? ''}\n`;
}

const refused = (message: string): ReadEvidence => ({ ok: false, message });
