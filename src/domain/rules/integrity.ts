import { LIMITS } from '../limits';
import { accepted, type Result, refused } from '../refusal';
import type { RequestState } from '../state';
import type { Verb, VerifiedStatement } from '../statement';

/** Verbs that speak about the path as the signer saw it. */
export const PATH_VERBS: readonly Verb[] = ['approve', 'deny', 'confirm', 'reroute', 'endorse'];

/** Verbs that only end or review. At most two of them can ever be accepted for one request. */
const CLOSING_VERBS: readonly Verb[] = ['deny', 'cancel', 'withdraw', 'revoke', 'review'];

/** The statement speaks about exactly this request, is alive, and was not used before (TTA-3). */
export function checkIntegrity(state: RequestState, facts: VerifiedStatement, atMs: number): Result<void> {
  const { statement } = facts;
  if (statement.request !== state.submission?.request.id || statement.digest !== state.digest)
    return refused('DIGEST_MISMATCH', 'signed for another request, or for another version of this one');
  if (state.seenStatementIds.includes(statement.jti))
    return refused('REPLAYED', `statement ${statement.jti} has been used`);
  if (atMs >= statement.expiresAtMs) return refused('EXPIRED_STATEMENT', 'the statement has expired');
  if (statement.issuedAtMs > atMs + LIMITS.clockSkewMs)
    return refused('EXPIRED_STATEMENT', 'the statement is dated in the future');
  if (statement.expiresAtMs - statement.issuedAtMs > LIMITS.statementLifeMs)
    return refused('MALFORMED', 'the statement may live 24 hours at most');
  if (state.statements.length >= roomFor(statement.verb))
    return refused('RATE_LIMITED', 'this request has taken all the statements it can hold');
  return accepted(undefined);
}

function roomFor(verb: Verb): number {
  const { acceptedStatements, closingStatements } = LIMITS;
  // Reports come from outside the path; a flood of them must leave room for what people say.
  if (verb === 'report') return acceptedStatements / 2;
  return CLOSING_VERBS.includes(verb) ? acceptedStatements : acceptedStatements - closingStatements;
}

/** The signer saw the path as it is now. */
export function checkRevision(state: RequestState, { statement }: VerifiedStatement): Result<void> {
  if (!PATH_VERBS.includes(statement.verb) || statement.revision === state.revision)
    return accepted(undefined);
  return refused(
    'STALE_PATH',
    `signed for revision ${statement.revision} of the approval path; it is at ${state.revision}`,
  );
}
