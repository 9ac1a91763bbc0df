import type { EvidenceFile } from '../evidence/schema';
import { openCheckpoint } from '../log/checkpoint';
import { leafOf } from '../log/leaf';
import { includes, leafHash } from '../log/merkle';
import type { NoteVerifier } from '../log/note';
import { parseProof } from '../log/proof-file';
import { type Finding, finding } from './finding';

/** The log that a verifier trusts, and the proof that came with the evidence. */
export interface LogTrust {
  readonly verifier: NoteVerifier;
  readonly proof: string;
}

/** Whether the log, by a checkpoint that its key has signed, holds exactly this evidence. */
export function* checkInclusion(evidence: EvidenceFile, { verifier, proof }: LogTrust): Generator<Finding> {
  const parsed = parseProof(proof);
  if (parsed === undefined) return yield finding('log', 'proof', 'this is no proof of inclusion');
  const opened = openCheckpoint(parsed.checkpoint, verifier);
  if (!opened.ok) return yield finding('log', 'proof', opened.message);
  const { size, root } = opened.checkpoint;
  if (!includes(leafHash(leafOf(evidence)), parsed.index, size, parsed.hashes, root))
    yield finding('log', 'proof', 'the log does not hold this evidence as it is');
}
