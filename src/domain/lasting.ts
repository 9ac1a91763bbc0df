import { LIMITS } from './limits';
import { accepted, type Result, refused } from './refusal';
import type { AccessRequest } from './request';
import { currentPath, isConfirmationAwaited } from './stages';
import type { ReadState } from './state';
import type { Statement } from './statement';

/** Returns true unless the request waits for the moment from which access was asked for. */
export const hasBegun = ({ notBeforeMs }: AccessRequest, atMs: number): boolean =>
  notBeforeMs === undefined || atMs >= notBeforeMs;

/** Returns true if an approved request waits for nothing but its start. */
export const isStartAwaited = (state: ReadState): boolean =>
  state.status === 'approved' &&
  state.submission.request.notBeforeMs !== undefined &&
  !isConfirmationAwaited(state);

/** Returns how long an approval or a confirmation counts after it was signed, by the path in force. */
export const countsForMs = (state: ReadState): number =>
  currentPath(state)?.approvalsCountForMs ?? LIMITS.statementLifeMs;

/** Returns how long a statement may live that a grant rests on: a day, or longer if the path says so. */
export const longestLifeMs = (state: ReadState): number =>
  currentPath(state)?.approvalsCountForMs === undefined ? LIMITS.statementLifeMs : LIMITS.approvalLifeMs;

/**
 * Checks that an approval or a confirmation counts now and, if access begins later, that it still does then. Returns until
 * when it counts: to its own end, and no longer after it was signed than the path says.
 */
export function checkLasting(
  state: ReadState,
  { issuedAtMs, expiresAtMs: ownEndMs }: Statement,
  atMs: number,
): Result<number> {
  const untilMs = Math.min(ownEndMs, issuedAtMs + countsForMs(state));
  if (untilMs <= atMs)
    return refused(
      'EXPIRED_STATEMENT',
      `it was signed too long ago: by this path it counted until ${iso(untilMs)}`,
    );
  const { notBeforeMs } = state.submission.request;
  if (notBeforeMs !== undefined && untilMs <= notBeforeMs)
    return refused(
      'EXPIRED_STATEMENT',
      `access begins at ${iso(notBeforeMs)}, and this counts only until ${iso(untilMs)}; sign one that counts for longer`,
    );
  return accepted(untilMs);
}

const iso = (atMs: number): string => new Date(atMs).toISOString();
