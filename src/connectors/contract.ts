import type { Lease, LeaseEnd } from '../domain/lease';
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
  /** False where other leases of the same account still hold the same access. */
  readonly accessRemoved: boolean;
}

/** A lease as the target keeps it. */
export interface LeaseRecord extends Lease {
  readonly requestDigest: string;
  /** What the account holds through this lease, in the connector's words, for example a role name. */
  readonly grant: string;
  readonly emergency: boolean;
  readonly ended?: { readonly atMs: number; readonly reason: EndReason };
  /** False when the lease is alive but the target does not hold the access. */
  readonly present: boolean;
}

/** Access on the target that no live lease accounts for. */
export interface Drift {
  readonly account: string;
  readonly grant: string;
}

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
  /** Findings about one request, or all; the newest thousand. */
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
   * same end. It refuses a lease id that has ended or was barred (`LEASE_ENDED`), one that was used for another digest
   * (`DIGEST_MISMATCH`), and a second emergency for what an emergency lease already holds (`EMERGENCY_ACTIVE`).
   */
  provision(authorisation: Authorisation): Promise<ProvisionOutcome>;
  /** Ends a lease for good. Of an unknown lease it keeps the bar, so that a later `provision` is refused. */
  revoke(leaseId: string, reason: EndReason): Promise<RevocationOutcome>;
  /** Leases, alive and ended, and access beside them. Ended ones only pile up: `alive` leaves them out. */
  list(scope?: 'all' | 'alive'): Promise<Inventory>;
  /** Leases that are alive although their end has passed, the longest overdue first; a thousand at most. */
  overdue(atMs: number): Promise<readonly LeaseRecord[]>;
  /** Where it is absent, findings are only logged and counted. */
  readonly findings?: FindingBook;
  /** Runs `work` unless another worker holds the target's reconciler lock. Yields whether it ran. */
  withReconcilerLock(work: () => Promise<void>): Promise<boolean>;
  close(): Promise<void>;
}
