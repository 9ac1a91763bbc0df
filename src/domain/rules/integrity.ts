import { longestLifeMs } from '../lasting';
import { LIMITS } from '../limits';
import { accepted, type Result, refused } from '../refusal';
import type { ReadState, RequestState } from '../state';
import type { VerifiedStatement } from '../statement';
import type { VerbDescriptor } from '../verbs/descriptor';

/**
 * Checks that the statement speaks about exactly this request, is alive, and was not used before (TTA-3). Returns the state,
 * which is then known to be one of a request that could be read.
 */
export function checkIntegrity(
  state: RequestState,
  { statement }: VerifiedStatement,
  verb: VerbDescriptor,
  atMs: number,
): Result<ReadState> {
  const isMeant = state.phase !== 'unread' && statement.request === state.submission.request.id;
  if (!isMeant || statement.digest !== state.digest)
    return refused('DIGEST_MISMATCH', 'signed for another request, or for another version of this one');
  if (state.seenStatementIds.includes(statement.jti))
    return refused('REPLAYED', `statement ${statement.jti} has been used`);
  if (atMs >= statement.expiresAtMs) return refused('EXPIRED_STATEMENT', 'the statement has expired');
  if (statement.issuedAtMs > atMs + LIMITS.clockSkewMs)
    return refused('EXPIRED_STATEMENT', 'the statement is dated in the future');
  const longestMs = verb.grantRestsOnIt ? longestLifeMs(state) : LIMITS.statementLifeMs;
  if (statement.expiresAtMs - statement.issuedAtMs > longestMs)
    return refused('MALFORMED', `the statement may live ${longestMs / 3_600_000} hours at most`);
  if (state.statements.length >= roomFor(verb))
    return refused('RATE_LIMITED', 'this request has taken all the statements it can hold');
  return accepted(state);
}

function roomFor({ openTo, closes }: VerbDescriptor): number {
  const { acceptedStatements, closingStatements } = LIMITS;
  // A flood of reports by machines must leave room for people's statements.
  if (openTo === 'machines') return acceptedStatements / 2;
  // At most two closing statements can ever be accepted for one request.
  return closes ? acceptedStatements : acceptedStatements - closingStatements;
}

/** Checks that the signer saw the current revision of the path. */
export function checkRevision(
  state: RequestState,
  { statement }: VerifiedStatement,
  { speaksAboutPath }: VerbDescriptor,
): Result<void> {
  if (!speaksAboutPath || statement.revision === state.revision) return accepted(undefined);
  return refused(
    'STALE_PATH',
    `signed for revision ${statement.revision} of the approval path; it is at ${state.revision}`,
  );
}
