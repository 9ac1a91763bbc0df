import type { DomainEvent } from '../event';
import { type Result, refused } from '../refusal';
import { checkIntegrity, checkRevision } from '../rules/integrity';
import { checkStanding } from '../rules/standing';
import { isOver, type RequestState } from '../state';
import type { VerifiedStatement } from '../statement';
import type { VerbDescriptor } from './descriptor';
import { VERB_DESCRIPTORS } from './index';

/**
 * Judges a statement whose signature held.
 *
 * @param verb the descriptor to judge by; the one of the statement's own verb unless a test supplies another
 * @returns the events that carry out the statement, or the first refusal
 */
export function judge(
  state: RequestState,
  verified: VerifiedStatement,
  atMs: number,
  verb: VerbDescriptor = VERB_DESCRIPTORS[verified.statement.verb],
): Result<readonly DomainEvent[]> {
  const integrity = checkIntegrity(state, verified, verb, atMs);
  if (!integrity.ok) return integrity;
  const read = integrity.value;
  const standing = checkStanding(verified, verb);
  if (!standing.ok) return standing;
  if (isOver(state)) return refused('NOT_NOW', `the request is ${state.status}`);
  const decision = verb.rule(read, verified, atMs);
  if (!decision.ok) return decision;
  const revision = checkRevision(state, verified, verb);
  return revision.ok ? decision : revision;
}
