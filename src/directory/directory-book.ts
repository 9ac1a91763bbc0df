import type { Digest } from '../domain/digest';
import type { Assurance, PrincipalId, Standing } from '../domain/principal';

/** A public key registered to a principal. `keyId` is its RFC 7638 SHA-256 thumbprint. */
export interface RegisteredKey {
  readonly keyId: string;
  readonly principal: PrincipalId;
  readonly publicJwk: Readonly<Record<string, string>>;
  /** What a signature by this key is worth, and the way it reaches us: both are properties of the registration. */
  readonly assurance: Assurance;
  readonly channel: string;
}

/** What the directory file says of one principal. */
export interface Identity {
  readonly id: PrincipalId;
  readonly owner?: PrincipalId;
  readonly sponsor?: PrincipalId;
  /** No grant outlives this moment (FRI-7). */
  readonly endsAtMs?: number;
  /** Account names on targets, by connector name. */
  readonly accounts: Readonly<Record<string, string>>;
}

/** People, identities, groups, roles and keys, as one version of the directory file has them. */
export interface DirectoryBook {
  readonly digest: Digest;
  identity(id: PrincipalId): Identity | undefined;
  /** Who someone is at that moment; absent when the directory does not know them. */
  standingOf(id: PrincipalId, atMs: number): Standing | undefined;
  /** A key that may sign at that moment; revoked, expired and unknown ones are absent. */
  keyById(keyId: string, atMs: number): RegisteredKey | undefined;
  /** Who stands in for someone at that moment; absent where nobody does. */
  delegateOf(id: PrincipalId, atMs: number): PrincipalId | undefined;
  /** Active members of a group at that moment. */
  membersOf(group: string, atMs: number): readonly PrincipalId[];
}
