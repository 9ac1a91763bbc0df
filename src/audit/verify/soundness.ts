import type { EvidenceFile } from '../evidence/schema';
import { type Finding, finding } from './finding';
import { checkChain, checkCourse, checkDigests, checkSeal } from './integrity';

/**
 * What does not hold in a piece of evidence by itself, or nothing: seal, chain and course. It is quick, and tells a damaged
 * file from a whole one; whether what it says is true only a verification tells.
 */
export function firstUnsound(evidence: EvidenceFile): Finding | undefined {
  try {
    for (const check of [checkSeal, checkChain, checkDigests, checkCourse])
      for (const found of check(evidence)) return found;
    return undefined;
  } catch (error) {
    return finding('course', 'the whole', error instanceof Error ? error.message : 'it cannot be followed');
  }
}
