import type { PrincipalId } from './principal';

/** Why access ends. */
export const LEASE_ENDS = ['expired', 'revoked'] as const;
export type LeaseEnd = (typeof LEASE_ENDS)[number];

/** Why a lease ends. A bar ends a lease before it was given, so that it can never be given. */
export type EndReason = LeaseEnd | 'barred';

/**
 * What ended a lease if its request did not: the reconciler, because the lease was past its end; or somebody whom the
 * lease rests on lost their standing.
 */
export const END_CAUSES = ['overdue', 'standing_lost'] as const;
export type EndCause = (typeof END_CAUSES)[number];

/** How and when a lease ended, by the target's record. */
export interface LeaseEnding {
  readonly end: LeaseEnd;
  readonly atMs: number;
  readonly cause?: EndCause;
}

/** A lease that the target gave without the request learning of it. A bar ended it, if it had not ended before. */
export interface HeldLease {
  readonly lease: Lease;
  readonly endedAtMs: number;
}

/** The review that is owed for a grant, by the policy in force when access was given. */
export interface ReviewDebt {
  readonly dueAtMs: number;
  readonly reviewers: readonly PrincipalId[];
}

/** Access that a target really holds, as its connector reported it. The id is the request's: one request, one lease. */
export interface Lease {
  readonly id: string;
  readonly account: string;
  readonly grantedAtMs: number;
  readonly expiresAtMs: number;
}

/**
 * Returns the lease with its times cut to what the request allows: it began by `nowMs`, and ends within `durationMs` of it.
 * A target's report is untrusted, so it must not be able to postpone the timer that ends access.
 */
export function boundedLease(lease: Lease, durationMs: number, nowMs: number): Lease {
  const grantedAtMs = noLaterThan(nowMs, lease.grantedAtMs);
  return { ...lease, grantedAtMs, expiresAtMs: noLaterThan(nowMs + durationMs, lease.expiresAtMs) };
}

/** Returns the reported end, cut to what is possible: not before the lease began, and not after `nowMs`. */
export const boundedEnd = (lease: Lease, endedAtMs: number, nowMs: number): number =>
  Math.max(noLaterThan(nowMs, lease.grantedAtMs), noLaterThan(nowMs, endedAtMs));

/** Returns the limit for NaN, too. */
const noLaterThan = (limitMs: number, valueMs: number): number => (valueMs <= limitMs ? valueMs : limitMs);
