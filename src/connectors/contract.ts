import type { EndCause, EndReason, Lease, LeaseEnding } from '../domain/lease';
import type { Authorisation } from '../domain/prove';
import type { Refusal } from '../domain/refusal';

export type ProvisionResult =
  | { readonly outcome: 'granted'; readonly lease: Lease }
  /** The lease was given before and has ended since. Nothing is given now. */
  | { readonly outcome: 'ended'; readonly lease: Lease; readonly ending: LeaseEnding }
  | (NeverGiven & { readonly outcome: 'refused'; readonly refusal: Refusal });

/**
 * Only a target can say this about a request: it was given nothing and never will be, because it was barred or its id
 * belongs to another request. Absent if that is not certain.
 */
export interface NeverGiven {
  readonly neverGiven?: true;
}

export interface RevocationResult extends NeverGiven {
  /**
   * False if the account still holds the same access, through other leases or through a grant by somebody else that the
   * connector may not revoke. The latter is drift.
   */
  readonly accessRemoved: boolean;
  /** The lease as it was before. Absent if it was never given. */
  readonly before?: LeaseRecord;
}

/** A lease as the target records it. */
export interface LeaseRecord extends Lease {
  readonly requestDigest: string;
  /** What the account holds through this lease, in the connector's words, for example a role name. */
  readonly grant: string;
  readonly emergency: boolean;
  readonly ended?: { readonly atMs: number; readonly reason: EndReason; readonly cause?: EndCause };
  /** True if the lease is alive and the target holds the access. False if somebody took the access away by hand. */
  readonly present: boolean;
  /** What the target calls account and grant now, if either was renamed during the lease. */
  readonly calledNow?: Drift;
}

/** The part of a lease record that a request gets to see. */
export const leaseOf = ({ id, account, grantedAtMs, expiresAtMs }: LeaseRecord): Lease => ({
  id,
  account,
  grantedAtMs,
  expiresAtMs,
});

/** Returns what `provision` answers if there is an earlier lease of the same id: that lease, or a refusal if it was another request's. */
export function outcomeOfEarlier(earlier: LeaseRecord, requestDigest: string): ProvisionResult {
  const { ended } = earlier;
  // A bar belongs to no request. A lease belongs only to the request it was given to, whatever else has its id.
  const never = earlier.requestDigest !== requestDigest && ({ neverGiven: true } as const);
  if (ended !== undefined && (ended.reason === 'barred' || never)) {
    const detail = `this lease has ended (${ended.reason})`;
    return { outcome: 'refused', refusal: { code: 'LEASE_ENDED', detail }, ...never };
  }
  if (never) {
    const detail = 'a lease of this id was given to another request';
    return { outcome: 'refused', refusal: { code: 'DIGEST_MISMATCH', detail }, ...never };
  }
  const lease = leaseOf(earlier);
  return ended === undefined
    ? { outcome: 'granted', lease }
    : { outcome: 'ended', lease, ending: endingOf(ended) };
}

/** The end of a lease as its request gets to see it. A lease that a bar ended counts as revoked. */
export const endingOf = ({ atMs, reason, cause }: NonNullable<LeaseRecord['ended']>): LeaseEnding => ({
  end: reason === 'expired' ? 'expired' : 'revoked',
  atMs,
  ...(cause && { cause }),
});

/** Access on the target that no live lease accounts for. */
export interface Drift {
  readonly account: string;
  readonly grant: string;
}

/** What the catalog has a connector give for one entitlement, in the connector's own terms: `role`, `audience`. */
export type CatalogGrant = Readonly<Record<string, string>>;

export interface Inventory {
  readonly leases: readonly LeaseRecord[];
  readonly drift: readonly Drift[];
}

/**
 * What can be found on a target: a lease past its end, access without a lease, a lease without access, what a holder made
 * there that outlives the lease, a lease whose account or grant has another name now, and what others had given beside a lease
 * and what ended with it.
 */
export const FINDING_KINDS = ['overdue', 'drift', 'missing', 'left-behind', 'renamed', 'also-ended'] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

/** Something that was found on a target. Finding it again updates the same finding. */
export interface Finding {
  readonly kind: FindingKind;
  /** Absent for access that no lease accounts for. */
  readonly leaseId?: string;
  readonly account: string;
  readonly grant: string;
  /** How long the lease outlived its end. */
  readonly lateMs?: number;
  /** What a holder left behind, or what ended with the lease, in the target's own words. */
  readonly what?: string;
}

export interface KeptFinding extends Finding {
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly times: number;
}

/** Keeps findings beside the leases of a target, as evidence that outlives logs and Temporal. */
export interface FindingStore {
  keep(finding: Finding): Promise<void>;
  /** Returns the newest thousand findings: all, or those about one request's lease and about the same access after it. */
  read(leaseId?: string): Promise<readonly KeptFinding[]>;
}

/**
 * Gives access on a target and takes it away. Every call is idempotent by lease id. The lease id is the request id, so one
 * request has one lease in its whole life. Calls throw only if the target cannot be reached or fails; callers retry.
 */
export interface Connector {
  /**
   * Gives exactly what was proved and records its lease, in one step. Asked again, it returns the same lease with the same
   * end, or says when that lease ended. It refuses:
   *
   * - `LEASE_ENDED`: a lease id that was barred, or that an ended lease of another request has
   * - `DIGEST_MISMATCH`: a lease id that a live lease of another request has
   * - `EMERGENCY_ACTIVE`: a second emergency for what an emergency lease already holds
   * - `TARGET_REFUSED`: an account or grant that the target does not have, or must not give; access that would not work; access
   *   that the account already holds without a lease, because the end of the lease would take it away
   * - `NOT_AUTHORISED`: anything that is not a proof
   */
  provision(authorisation: Authorisation): Promise<ProvisionResult>;
  /**
   * Ends a lease for good. If the lease is unknown, it records a bar, so that a later `provision` is refused. A caller that
   * ends a lease without its request gives the `cause`, which is recorded with the end.
   */
  revoke(leaseId: string, reason: EndReason, cause?: EndCause): Promise<RevocationResult>;
  /**
   * Lists leases and the access that no lease accounts for. `alive` leaves out ended leases, of which there are ever more. It
   * checks access to everything that was ever leased, and to everything in `governed`.
   */
  list(scope?: 'all' | 'alive', governed?: readonly CatalogGrant[]): Promise<Inventory>;
  /** Lists live leases whose end has passed, the longest overdue first, a thousand at most. */
  overdue(atMs: number): Promise<readonly LeaseRecord[]>;
  /**
   * Ends sessions that outlived their access, if the target has sessions. `revoke` does this too and leaves to this call what
   * it could not end. Returns the access that some sessions still hold.
   */
  endSessions?(): Promise<readonly Drift[]>;
  /**
   * Compares what a holder has on the target after the end of access with what was there at the grant, and records what is new as
   * findings. It undoes what could still take effect as the access that has ended, as far as it may. Returns what it could not
   * undo. `revoke` does this too and leaves to this call what it could not do. Absent if holders can leave nothing behind.
   */
  clearLeftBehind?(): Promise<readonly Drift[]>;
  /** Without it, findings are only logged and counted. */
  readonly findings?: FindingStore;
  /** Runs `work` unless another worker holds the target's reconciler lock. Returns whether it ran. */
  withReconcilerLock(work: () => Promise<void>): Promise<boolean>;
  close(): Promise<void>;
}
