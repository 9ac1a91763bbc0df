import type { PrincipalId } from '../../domain/principal';

/** Who calls, according to their token. It says who they are and gives no authority. */
export interface Caller {
  /** The identity that acts. For a delegated token this is the actor. */
  readonly principal: PrincipalId;
  /** Whom it acts for, nearest first, as the token's issuer says. The caller's own word does not count. */
  readonly onBehalfOf: readonly PrincipalId[];
  /** How the caller was recognised, for the record. The token is a secret, so only its digest is kept. */
  readonly via: { readonly issuer: string; readonly subject: string; readonly token: string };
  /** Issuer and subject of each identity in the delegation chain, the actor first, as the token names them. */
  readonly chain: readonly { readonly issuer: string; readonly subject: string }[];
  /** Thumbprint of the key that the token is bound to (RFC 9449 section 6.1). */
  readonly boundKey?: string;
  /** The only path that the token is for. Without it, the token is for the whole gateway. */
  readonly onlyFor?: string;
  /** True if the token only reads: calls that could change something are refused. */
  readonly readsOnly?: true;
  readonly expiresAtMs: number;
}

/** Recognises callers by one kind of token. */
export interface TokenVerifier {
  /** Returns true if this verifier judges tokens with this header and these claims, none of which is verified yet. */
  concerns(header: Readonly<Record<string, unknown>>, claims: Readonly<Record<string, unknown>>): boolean;
  /** Returns the caller, or why the token does not hold. The log is told why, and callers are not. */
  verify(token: string): Promise<Caller | Unrecognised>;
}

/** Why a token maps to nobody. */
export interface Unrecognised {
  readonly why: string;
}
