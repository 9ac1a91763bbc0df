import canonicalize from 'canonicalize';
import { digestOfText } from '../../domain/digest';
import { evidenceText } from '../evidence/file';
import type { EvidenceFile } from '../evidence/schema';
import { openCheckpoint } from '../log/checkpoint';
import { includes, leafHash } from '../log/merkle';
import type { NoteVerifier } from '../log/note';
import { parseProof } from '../log/proof-file';
import { type Finding, finding } from './finding';

/** The log that a verifier trusts, and the proof that came with the evidence. */
export interface LogTrust {
  readonly verifier: NoteVerifier;
  readonly proof: string;
}

/** Checks that the log contains exactly this evidence, by a checkpoint that the log's key has signed. */
export function* checkInclusion(evidence: EvidenceFile, { verifier, proof }: LogTrust): Generator<Finding> {
  const parsed = parseProof(proof);
  if (parsed === undefined) return yield finding('log', 'proof', 'this is not an inclusion proof');
  const opened = openCheckpoint(parsed.checkpoint, verifier);
  if (!opened.ok) return yield finding('log', 'proof', opened.message);
  const { size, root } = opened.checkpoint;
  if (!includes(leafHash(leafOf(evidence)), parsed.index, size, parsed.hashes, root))
    yield finding('log', 'proof', 'the log does not contain this evidence in this form');
}

/**
 * Returns the record of a piece of evidence in the log: the request, its status, and the digest of the file. It says
 * nothing about what was asked or by whom, so the log can be public.
 */
export function leafOf(evidence: EvidenceFile): Buffer {
  const { request, status } = evidence;
  const record = { evidence: digestOfText(evidenceText(evidence)), request, status };
  return Buffer.from(canonicalize(record) ?? '');
}
