import type { EndCause, Lease, LeaseEnd, LeaseEnding } from '../domain/lease';
import type { Authorisation } from '../domain/prove';
import type { Refusal } from '../domain/refusal';

export interface ConnectorDescription {
  readonly name: string;
  readonly kind: string;
  /** Whether the target ends access by itself at the lease's end, without the worker. */
  readonly endsByItself: boolean;
}

export type ProvisionOutcome =
  | { readonly outcome: 'granted'; readonly lease: Lease }
  /** It was given before, and has ended since: nothing is given now. */
  | { readonly outcome: 'ended'; readonly lease: Lease; readonly ending: LeaseEnding }
  | (NeverGiven & { readonly outcome: 'refused'; readonly refusal: Refusal });

/**
 * What only a target can say of a request: that it was given nothing, and never will be, because it was barred or its id
 * belongs to another. Absent wherever that is not certain.
 */
export interface NeverGiven {
  readonly neverGiven?: true;
}

/** Why a lease ends. A bar is put on a lease that was never given, so that it never can be. */
export type EndReason = LeaseEnd | 'barred';

export interface RevocationOutcome extends NeverGiven {
  /**
   * False where the account still holds the same access: by other leases, or by a grant of somebody else's that the connector
   * may not take away, which is drift.
   */
  readonly accessRemoved: boolean;
  /** The lease as it stood before; absent where it was never given. */
  readonly before?: LeaseRecord;
}

/** A lease as the target keeps it. */
export interface LeaseRecord extends Lease {
  readonly requestDigest: string;
  /** What the account holds through this lease, in the connector's words, for example a role name. */
  readonly grant: string;
  readonly emergency: boolean;
  readonly ended?: { readonly atMs: number; readonly reason: EndReason; readonly cause?: EndCause };
  /** Whether the lease is alive and the target holds the access: false where it was taken away by hand. */
  readonly present: boolean;
}

/** The lease alone, as a request hears of it. */
export const leaseOf = ({ id, account, grantedAtMs, expiresAtMs }: LeaseRecord): Lease => ({
  id,
  account,
  grantedAtMs,
  expiresAtMs,
});

/** What `provision` answers where the lease was given before to the request of that digest; a refusal otherwise. */
export function outcomeOfEarlier(earlier: LeaseRecord, requestDigest: string): ProvisionOutcome {
  const { ended } = earlier;
  // A bar belongs to no request, and neither does a lease of this id to any other than the one it was given to.
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

/** The end of a lease as its request hears of it. One that a bar ended was taken back. */
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

/** What the catalog has a connector give for one entitlement, in the connector's words: `role`, `audience`. */
export type CatalogGrant = Readonly<Record<string, string>>;

export interface Inventory {
  readonly leases: readonly LeaseRecord[];
  readonly drift: readonly Drift[];
}

/** What a look at a target can find: a lease that outlived its end, access without a lease, a lease without access. */
export const FINDING_KINDS = ['overdue', 'drift', 'missing'] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

/** Something that the reconciler found on a target. Found again, it is the same finding. */
export interface Finding {
  readonly kind: FindingKind;
  /** Absent for access that no lease accounts for. */
  readonly leaseId?: string;
  readonly account: string;
  readonly grant: string;
  /** How long past its end the lease was alive. */
  readonly lateMs?: number;
}

export interface KeptFinding extends Finding {
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly times: number;
}

/** Where a target keeps, beside its leases, what was found on it: evidence that outlives logs and the orchestrator. */
export interface FindingBook {
  keep(finding: Finding): Promise<void>;
  /** Findings about one request's lease, and about the same access once it was over; or all. The newest thousand. */
  read(leaseId?: string): Promise<readonly KeptFinding[]>;
}

/**
 * A target that holds access. Every call is idempotent by lease id, which is the id of the request: one request has
 * one lease in its whole life. Calls throw only where the target cannot be reached or fails; the caller tries again.
 */
export interface Connector {
  describe(): ConnectorDescription;
  /**
   * Gives exactly what was proved, and records its lease, in one step. Asked again, it yields the same lease with the
   * same end; and where that lease has ended since, that it has, and when. It refuses a lease id that was barred
   * (`LEASE_ENDED`), one that was used for another digest (`DIGEST_MISMATCH`; `LEASE_ENDED` where that lease is over),
   * and a second emergency for what an emergency lease already holds (`EMERGENCY_ACTIVE`).
   */
  provision(authorisation: Authorisation): Promise<ProvisionOutcome>;
  /**
   * Ends a lease for good. Of an unknown lease it keeps the bar, so that a later `provision` is refused. Who ends a
   * lease on their own account says why in `cause`, which is kept with its end.
   */
  revoke(leaseId: string, reason: EndReason, cause?: EndCause): Promise<RevocationOutcome>;
  /**
   * Leases, alive and ended, and access beside them. Ended ones only pile up: `alive` leaves them out. Access is looked
   * at for everything that was ever leased, and for what is governed, be it leased or not.
   */
  list(scope?: 'all' | 'alive', governed?: readonly CatalogGrant[]): Promise<Inventory>;
  /** Leases that are alive although their end has passed, the longest overdue first; a thousand at most. */
  overdue(atMs: number): Promise<readonly LeaseRecord[]>;
  /**
   * Ends sessions that outlived the access they had, where the target has such: an ending does so itself, and leaves here
   * what it could not. Yields the access that some still hold.
   */
  endSessions?(): Promise<readonly Drift[]>;
  /** Where it is absent, findings are only logged and counted. */
  readonly findings?: FindingBook;
  /** Runs `work` unless another worker holds the target's reconciler lock. Yields whether it ran. */
  withReconcilerLock(work: () => Promise<void>): Promise<boolean>;
  close(): Promise<void>;
}
