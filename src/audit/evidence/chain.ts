import { type Digest, digestOf } from '../../domain/digest';
import type { DomainEvent } from '../../domain/event';
import { EVIDENCE_FORMAT, EVIDENCE_VERSION } from './schema';

/** The hash before the first event of a request. */
export const chainStart = (request: string): Digest => digestOf([EVIDENCE_FORMAT, EVIDENCE_VERSION, request]);

/** The hash of an event and of the hash before it. */
export const chainHash = (previous: Digest, event: DomainEvent): Digest => digestOf([previous, event]);

/** The seal of evidence: the digest of all members except the seal. */
export function sealOf(evidence: Readonly<Record<string, unknown>>): Digest {
  const { seal: _seal, ...rest } = evidence;
  return digestOf(rest);
}
