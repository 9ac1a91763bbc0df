import { type Digest, digestOf } from '../../domain/digest';
import type { DomainEvent } from '../../domain/event';
import { EVIDENCE_FORMAT, EVIDENCE_VERSION } from './schema';

/** Where the chain of a request begins. */
export const chainStart = (request: string): Digest => digestOf([EVIDENCE_FORMAT, EVIDENCE_VERSION, request]);

/** The hash of an event over the one before it. */
export const chainHash = (previous: Digest, event: DomainEvent): Digest => digestOf([previous, event]);

/** The seal of evidence: over every member but the seal itself. */
export function sealOf(evidence: Readonly<Record<string, unknown>>): Digest {
  const { seal: _seal, ...rest } = evidence;
  return digestOf(rest);
}
