/** Why access ends. */
export type LeaseEnd = 'expired' | 'revoked';

/** Access that a target really holds, as its connector reported it. The id is the request's: one request, one lease. */
export interface Lease {
  readonly id: string;
  readonly account: string;
  readonly grantedAtMs: number;
  readonly expiresAtMs: number;
}
