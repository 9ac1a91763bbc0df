import type { PrincipalId } from '../../domain/principal';

/** Who calls, as far as their token says so. Recognition, and nothing more. */
export interface Caller {
  /** The identity that acts: of a delegated token, its actor. */
  readonly principal: PrincipalId;
  /** Whom it acts for, nearest first, by what the token's issuer says. Never by what the caller says. */
  readonly onBehalfOf: readonly PrincipalId[];
  /** How it is known, for the record. The token is there as a digest only: it is a secret. */
  readonly via: { readonly issuer: string; readonly subject: string; readonly token: string };
  /** (issuer, subject) of each identity of the chain, the actor first, as the token has them. */
  readonly chain: readonly { readonly issuer: string; readonly subject: string }[];
  /** Thumbprint of the key that the token is bound to (RFC 9449 section 6.1). */
  readonly boundKey?: string;
  readonly expiresAtMs: number;
}

/** Turns a token into a caller; yields nothing where it is not to be believed. Why not is nobody's business but ours. */
export interface TokenVerifier {
  /** Whether a token with these (unverified) header and claims is for this verifier to judge. */
  concerns(header: Readonly<Record<string, unknown>>, claims: Readonly<Record<string, unknown>>): boolean;
  verify(token: string): Promise<Caller | undefined>;
}
