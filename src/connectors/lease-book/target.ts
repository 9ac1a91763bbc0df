import type { CatalogGrant, Drift } from '../contract';

/** What one account holds of one grant. `grantName` is the grant in the target's words, and the same for equal grants. */
export interface Access {
  readonly account: string;
  readonly grant: CatalogGrant;
  readonly grantName: string;
}

/** The lease for which access is given or taken. */
export interface LeaseMark {
  readonly leaseId: string;
  readonly expiresAtMs: number;
}

/** Something that a target holds for one lease, and that bears its id. */
export interface MarkedAccess extends Access {
  readonly leaseId: string;
}

/**
 * A target whose leases lie beside it. Every call is idempotent, has a time-out of its own, and throws `TargetUnavailable` without
 * an address or a secret if the target cannot be reached or refuses. The lease book calls `give` and `take` for one access
 * only one at a time.
 */
export interface BookTarget {
  /** Returns the name of a grant, or undefined if this is not one for this kind of target. */
  nameOf(grant: CatalogGrant): string | undefined;
  /** Returns why this access must not or cannot be given, or undefined if nothing speaks against it. Changes nothing. */
  refuse(access: Access): Promise<string | undefined>;
  holds(access: Access): Promise<boolean>;
  give(access: Access, lease: LeaseMark): Promise<void>;
  /**
   * Takes the access away. Does nothing if the account or the grant is gone. A target with `marked` takes away only what bears
   * the id of this lease, and is asked at the end of every lease; the others are asked at the end of the last one.
   */
  take(access: Access, lease: LeaseMark): Promise<void>;
  /**
   * Lists who holds these grants. A grant that the target no longer has is held by nobody. Accounts are written as in `accounts`
   * if the target takes the two for the same.
   */
  holders(grants: readonly CatalogGrant[], accounts: readonly string[]): Promise<readonly Drift[]>;
  /** Lists what bears the id of a lease of this connector. Absent if the target has no room for an id. */
  marked?(grants: readonly CatalogGrant[]): Promise<readonly MarkedAccess[]>;
  close(): Promise<void>;
}
