import { formatDuration } from '../../contracts/duration';
import { LIMITS } from '../../domain/limits';
import type { AccessRequest } from '../../domain/request';
import type { Terms } from './terms';

/**
 * Returns why access cannot begin when it was asked for; undefined if it can. It begins after it was asked for, and so soon
 * that an approval which is given now still counts then.
 */
export function whyNoStart(
  { notBeforeMs, submittedAtMs, emergency }: AccessRequest,
  { path, confirmation }: Terms,
  atMs: number,
): string | undefined {
  if (notBeforeMs === undefined) return undefined;
  if (emergency) return 'emergency access begins at once; ask without a start';
  if (notBeforeMs <= submittedAtMs) return `${iso(notBeforeMs)} was over when it was asked for`;
  const restsOnStatements = path !== undefined || confirmation !== undefined;
  const countsForMs = path?.approvalsCountFor ?? LIMITS.statementLifeMs;
  const longestMs = restsOnStatements ? countsForMs : LIMITS.startDelayMs;
  const latestMs = Math.min(atMs + longestMs, submittedAtMs + LIMITS.startDelayMs);
  if (notBeforeMs <= latestMs) return undefined;
  const why = restsOnStatements ? `, since its approvals count for ${formatDuration(countsForMs)}` : '';
  return `the latest start is ${iso(latestMs)}${why}`;
}

const iso = (atMs: number): string => new Date(atMs).toISOString();
