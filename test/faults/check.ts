import type { LifeRecord } from './live';
import type { LeaseChange, Unleased } from './observer';
import { expectationOf, reroutedApproval } from './oracle';
import type { LeaseRow } from './watched';

/** One line that names the life and says what is wrong. */
export type Complaint = string;

export interface TargetSeen {
  readonly changes: readonly LeaseChange[];
  readonly unleased: readonly Unleased[];
  readonly overdue: ReadonlySet<string>;
  /** When each pass of a reconciler began, in order. */
  readonly looksAtMs: readonly number[];
  readonly nowMs: number;
  readonly statedLagMs: number;
}

export interface TargetVerdict {
  readonly unauthorised: readonly Complaint[];
  readonly double: readonly Complaint[];
  readonly late: readonly Complaint[];
  /** Lives that had access. */
  readonly granted: ReadonlySet<string>;
  /**
   * Lives of which the lease book has an intent whose end passed before the target could be changed. Its end is fixed when it is
   * written, so nothing may be given after it.
   */
  readonly ranOut: ReadonlySet<string>;
  readonly lagsMs: { readonly timer: readonly number[]; readonly reconciler: readonly number[] };
}

/** One grant of one lease, from the changes that the target itself recorded. */
interface Grant {
  readonly leaseId: string;
  readonly firstAtMs: number;
  readonly times: number;
  readonly stretched: boolean;
  readonly last: LeaseRow | null;
  readonly endedAtMs: number | undefined;
}

/** Compares what happened on the target with what was allowed to happen. */
export function checkTarget(lives: readonly LifeRecord[], seen: TargetSeen): TargetVerdict {
  const grants = grantsOf(seen.changes);
  const byId = new Map(lives.map((life) => [life.request.id, life]));
  return {
    unauthorised: [
      ...grants.flatMap((grant) => unauthorised(grant, byId.get(grant.leaseId))),
      ...withoutLease(seen.unleased),
    ],
    double: grants.flatMap(({ leaseId, times }) =>
      times > 1 ? [`${leaseId} was granted ${times} times`] : [],
    ),
    late: grants.flatMap((grant) => late(grant, seen)),
    granted: new Set(grants.map((grant) => grant.leaseId)),
    ranOut: ranOutOf(seen),
    lagsMs: lagsOf(grants, seen.overdue),
  };
}

function ranOutOf({ changes, nowMs }: TargetSeen): ReadonlySet<string> {
  const rows = changes.flatMap(({ after }) => after ?? []);
  const given = new Set(rows.filter(({ account }) => account !== null).map(({ lease_id }) => lease_id));
  const intents = rows.filter(
    ({ lease_id, expires_at_ms }) => expires_at_ms !== null && !given.has(lease_id),
  );
  const last = new Map(intents.map((row) => [row.lease_id, row]));
  const isOver = ({ expires_at_ms, ended_at_ms }: LeaseRow) =>
    (ended_at_ms ?? nowMs) >= (expires_at_ms ?? Number.POSITIVE_INFINITY);
  return new Set([...last].flatMap(([leaseId, row]) => (isOver(row) ? [leaseId] : [])));
}

function grantsOf(changes: readonly LeaseChange[]): readonly Grant[] {
  const byLease = new Map<string, LeaseChange[]>();
  for (const change of changes) {
    const leaseId = (change.after ?? change.before)?.lease_id ?? '';
    byLease.set(leaseId, [...(byLease.get(leaseId) ?? []), change]);
  }
  return [...byLease].flatMap(([leaseId, course]) => {
    const isAlive = (row: LeaseRow | null) =>
      row !== null && row.account !== null && row.ended_at_ms === null;
    const givings = course.filter(({ before, after }) => !isAlive(before) && isAlive(after));
    const [first] = givings;
    if (first === undefined) return [];
    const ends = course.map(({ after }) => after?.expires_at_ms ?? 0).filter((atMs) => atMs > 0);
    const ended = course.findLast(({ before, after }) => isAlive(before) && !isAlive(after));
    const last = course.at(-1)?.after ?? null;
    return [
      {
        leaseId,
        firstAtMs: first.atMs,
        times: givings.length,
        stretched: Math.max(...ends) > (first.after?.expires_at_ms ?? 0),
        last,
        endedAtMs: isAlive(last) ? undefined : ended?.atMs,
      },
    ];
  });
}

function unauthorised({ leaseId, firstAtMs }: Grant, life: LifeRecord | undefined): readonly Complaint[] {
  if (life === undefined) return [`${leaseId} was granted, and nobody asked for it`];
  const { grant, stoppedAtMs } = expectationOf(life);
  const { index, kind, course } = life.plan;
  const about = `life ${index} (${kind}, ${course}, ${leaseId})`;
  if (grant === 'never') return [`${about} was granted, and must never be`];
  if (course === 'reroute' && kind === 'write' && !reroutedApproval(life.delivered))
    return [`${about} was granted without an approval`];
  if (firstAtMs > stoppedAtMs)
    return [`${about} was given ${Math.round(firstAtMs - stoppedAtMs)} ms after its end was answered`];
  return [];
}

/** One line for each account, however often it was seen. */
function withoutLease(unleased: readonly Unleased[]): readonly Complaint[] {
  const places = new Set(unleased.map(({ account, role }) => `${account} held ${role} without a lease`));
  return [...places];
}

function late(
  { leaseId, last, endedAtMs, stretched }: Grant,
  { nowMs, statedLagMs, looksAtMs }: TargetSeen,
): readonly Complaint[] {
  if (stretched) return [`${leaseId} had its end postponed`];
  const expiresAtMs = last?.expires_at_ms ?? 0;
  const lagMs = (endedAtMs ?? nowMs) - expiresAtMs;
  if (endedAtMs === undefined && lagMs < 0) return [];
  return lagMs > statedLagMs
    ? [
        `${leaseId} was alive ${Math.round(lagMs)} ms past its end${endedAtMs === undefined ? ', and still is' : ''}${longestGap(looksAtMs, expiresAtMs, endedAtMs ?? nowMs)}`,
      ]
    : [];
}

/** Describes whether a reconciler was running to end it: the longest time in which none began a pass. */
function longestGap(looksAtMs: readonly number[], fromMs: number, toMs: number): string {
  const marks = [fromMs, ...looksAtMs.filter((atMs) => atMs > fromMs && atMs < toMs), toMs];
  const gaps = marks
    .slice(1)
    .map((atMs, index) => ({ afterMs: (marks[index] ?? atMs) - fromMs, atMs: atMs - fromMs }));
  const [longest] = gaps.sort((one, other) => other.atMs - other.afterMs - (one.atMs - one.afterMs));
  if (longest === undefined) return '';
  const { afterMs, atMs } = longest;
  return `; ${marks.length - 2} passes meanwhile, none from ${Math.round(afterMs)} to ${Math.round(atMs)} ms past it`;
}

function lagsOf(grants: readonly Grant[], overdue: ReadonlySet<string>): TargetVerdict['lagsMs'] {
  const ended = grants.flatMap(({ leaseId, last, endedAtMs }) =>
    endedAtMs === undefined || last?.expires_at_ms == null || endedAtMs < last.expires_at_ms
      ? []
      : [{ lagMs: endedAtMs - last.expires_at_ms, byReconciler: overdue.has(leaseId) }],
  );
  const lags = (byReconciler: boolean) =>
    ended
      .filter((one) => one.byReconciler === byReconciler)
      .map((one) => one.lagMs)
      .sort((a, b) => a - b);
  return { timer: lags(false), reconciler: lags(true) };
}
