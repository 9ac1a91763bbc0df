/** Why access ends. */
export type LeaseEnd = 'expired' | 'revoked';

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

/** Holds for a value that is no number, too. */
const noLaterThan = (limitMs: number, valueMs: number): number => (valueMs <= limitMs ? valueMs : limitMs);
