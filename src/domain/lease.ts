import type { PrincipalId } from './principal';

/** Why access ends. */
export const LEASE_ENDS = ['expired', 'revoked'] as const;
export type LeaseEnd = (typeof LEASE_ENDS)[number];

/**
 * What ended a lease, where its request did not: the reconciler, because it was past its end; or the standing of someone
 * it rests on, because that was lost.
 */
export const END_CAUSES = ['overdue', 'standing_lost'] as const;
export type EndCause = (typeof END_CAUSES)[number];

/** The end of a lease as its target has it on record. */
export interface LeaseEnding {
  readonly end: LeaseEnd;
  readonly atMs: number;
  readonly cause?: EndCause;
}

/** A lease that was given, and was ended by a bar or before: access that a request had without ever hearing of it. */
export interface HeldLease {
  readonly lease: Lease;
  readonly endedAtMs: number;
}

/** What is owed for a grant, by policy at the moment of the act: an independent person's review. */
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
 * The lease as far as a request of that duration can have one at that moment: begun by now, and over in time. What a
 * target reports comes through untrusted hands, and must not be able to put off the timer that ends access.
 */
export function boundedLease(lease: Lease, durationMs: number, nowMs: number): Lease {
  const grantedAtMs = noLaterThan(nowMs, lease.grantedAtMs);
  return { ...lease, grantedAtMs, expiresAtMs: noLaterThan(nowMs + durationMs, lease.expiresAtMs) };
}

/** When it ended, as far as that can be: not before it began, and by now. */
export const boundedEnd = (lease: Lease, endedAtMs: number, nowMs: number): number =>
  Math.max(noLaterThan(nowMs, lease.grantedAtMs), noLaterThan(nowMs, endedAtMs));

/** Holds for a value that is no number, too. */
const noLaterThan = (limitMs: number, valueMs: number): number => (valueMs <= limitMs ? valueMs : limitMs);
