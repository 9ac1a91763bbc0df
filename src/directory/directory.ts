import type { Digest } from '../domain/digest';
import type { Assurance, PrincipalId, Standing } from '../domain/principal';

interface Registration {
  readonly principal: PrincipalId;
  /** What a signature by this key is worth, and the way it reaches us: both are properties of the registration. */
  readonly assurance: Assurance;
  readonly channel: string;
}

/** A public key that signs JWS. `keyId` is its RFC 7638 SHA-256 thumbprint. */
export interface RegisteredJwk extends Registration {
  readonly kind: 'jwk';
  readonly keyId: string;
  readonly publicJwk: Readonly<Record<string, string>>;
}

/** A WebAuthn credential: it signs on pages of one origin only, which is why its assurance is what it is. */
export interface Passkey extends Registration {
  readonly kind: 'passkey';
  /** The credential id, base64url. */
  readonly keyId: string;
  /** COSE_Key (RFC 9052 section 7), base64url. */
  readonly publicKey: string;
  readonly rpId: string;
  readonly origin: string;
  readonly assurance: 'phishing-resistant';
}

/** A key registered to a principal, in one of the kinds that can sign. */
export type RegisteredKey = RegisteredJwk | Passkey;

/** What the directory file says of one principal. */
export interface Identity {
  readonly id: PrincipalId;
  readonly owner?: PrincipalId;
  readonly sponsor?: PrincipalId;
  /** No grant outlives this moment (FRI-7). */
  readonly endsAtMs?: number;
  /** Account names on targets, by connector name. */
  readonly accounts: Readonly<Record<string, string>>;
  /** What policies may compare; absent if nothing is said. */
  readonly attributes?: Readonly<Record<string, string | boolean | number>>;
}

/** People, identities, groups, roles and keys, as one version of the directory file has them. */
export interface Directory {
  readonly digest: Digest;
  identity(id: PrincipalId): Identity | undefined;
  /** Who someone is at that moment; absent when the directory does not know them. */
  standingOf(id: PrincipalId, atMs: number): Standing | undefined;
  /** A key that may sign at that moment; revoked, expired and unknown ones are absent. */
  keyById(keyId: string, atMs: number): RegisteredKey | undefined;
  /** Who stands in for someone at that moment; absent where nobody does. */
  delegateOf(id: PrincipalId, atMs: number): PrincipalId | undefined;
  /** The one whose attribute has that value; absent if nobody's has, or several have it. */
  holderOf(attribute: string, value: string): PrincipalId | undefined;
  /** Active members of a group at that moment. */
  membersOf(group: string, atMs: number): readonly PrincipalId[];
}
