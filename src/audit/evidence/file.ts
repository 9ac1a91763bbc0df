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

/** Reads an evidence file. A message is one line, and says what is wrong with which file. */
export async function readEvidenceFile(file: string): Promise<ReadEvidence> {
  try {
    return parseEvidenceBytes(await readBounded(file, LARGEST_EVIDENCE_BYTES), file);
  } catch (error) {
    return refused(error instanceof UnreadableFile ? error.message : `${file}: cannot be read`);
  }
}

/** Reads evidence from its bytes: every one of them must be told apart, so that what is no UTF-8 is no evidence. */
export function parseEvidenceBytes(bytes: Uint8Array, origin: string): ReadEvidence {
  if (bytes.length > LARGEST_EVIDENCE_BYTES) return refused(`${origin}: is larger than evidence can be`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refused(`${origin}: is no JSON: some of its bytes are no UTF-8`);
  }
  return parseEvidence(text, origin);
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
  if (isDeeperThan(value, DEEPEST))
    return refused(`${origin}: is nested more than ${DEEPEST} levels deep; no evidence is`);
  const decoded = evidenceFileSchema.safeParse(value);
  if (!decoded.success) return refused(`${origin}: ${describeIssues(decoded.error, 'evidence')}`);
  return { ok: true, evidence: decoded.data, text };
}

/** Everything that goes through evidence goes as deep as it is; this is far from where a stack ends. */
const DEEPEST = 800;

/** The one way to write a piece of evidence: RFC 8785 canonical JSON and a line end. Every byte is then accounted for. */
export function evidenceText(evidence: EvidenceFile): string {
  return `${canonicalize(evidence) ?? ''}\n`;
}

const refused = (message: string): ReadEvidence => ({ ok: false, message });
