import type { ApprovalPath } from './assessment';
import type { Digest } from './digest';
import type { Precedents } from './precedents';
import type { Assurance, PrincipalId, Standing } from './principal';
import type { Refusal } from './refusal';
import type { SignedEnvelope } from './request';
import type { Verdict } from './review';

/** What a statement can do to a request. Each verb has its own authority (OVR-1). */
export const VERBS = [
  'approve',
  'deny',
  'confirm',
  'reroute',
  'endorse',
  'cancel',
  'withdraw',
  'revoke',
  'review',
  'report',
] as const;
export type Verb = (typeof VERBS)[number];

/** The claim of a reroute that replaces one approver by another, for a limited time. */
export interface Replacement {
  readonly replace: PrincipalId;
  readonly with: PrincipalId;
  readonly untilMs: number;
}

/** The claim of a reroute that switches to another path, for a limited time. */
export interface PathChoice {
  readonly path: string;
  readonly untilMs: number;
}

/** What happened to an approved execution: its token was used, a use was refused, or how it ended. */
export const OUTCOMES = ['redeemed', 'redemption_refused', 'succeeded', 'failed', 'unknown'] as const;
export type ExecutionOutcome = (typeof OUTCOMES)[number];

/** Claims that depend on the verb. Its descriptor (domain/verbs) says which of them it carries. */
interface VerbClaims {
  readonly stage?: string;
  /** For how long the approver says yes, if that is less than was asked for. */
  readonly durationMs?: number;
  readonly reasonCode?: string;
  readonly ticket?: string;
  readonly policyBasis?: string;
  readonly replacement?: Replacement;
  readonly switchTo?: PathChoice;
  /** Names the condition, listed by policy beforehand, under which a reroute reaches further (OVR-9). */
  readonly emergencyCondition?: string;
  /** The `jti` of the reroute that an `endorse` speaks about. */
  readonly endorses?: string;
  readonly verdict?: Verdict;
  /** In a `report`: the outcome of the execution, and who reported it to the signer. */
  readonly outcome?: ExecutionOutcome;
  readonly reporter?: PrincipalId;
  /** In a `deny`: the entitlement to which its signer would say yes. It decides nothing: who takes it makes a request of its own. */
  readonly offer?: string;
}
export type VerbClaim = keyof VerbClaims;

/** The claims of a signed statement (RFC 7519 names where they exist; times in milliseconds once decoded). */
export interface Statement extends VerbClaims {
  readonly iss: PrincipalId;
  readonly jti: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  readonly verb: Verb;
  /** Request id and digest: a statement speaks about exactly one request. */
  readonly request: string;
  readonly digest: Digest;
  /** Revision of the approval path that the signer saw. */
  readonly revision: number;
  readonly comment?: string;
}

/**
 * What current policy says about a reroute. An activity looks it up with the signature check, because the pure core can
 * read neither the bundle nor the ticket system.
 */
export interface RerouteCheck {
  readonly reasonCodeListed: boolean;
  readonly ticketFound: boolean;
  /** Why the ticket does not count, if more is known than that nobody knows it. */
  readonly ticketProblem?: string;
  readonly policyBasisListed: boolean;
  /** The replacement's standing now; absent when the directory does not know them. */
  readonly candidate?: Standing;
  /** Stages (by name) of the request's path in which current policy lets the candidate decide. */
  readonly candidateStages: readonly string[];
  /** The path that a switch asks for, resolved for this request; absent if policy does not offer it. */
  readonly alternative?: ApprovalPath;
  /** What policy says about an emergency reroute; absent if the condition is not listed. */
  readonly emergency?: EmergencyReroute;
  /** The policy that gave all of these answers. */
  readonly policyDigest?: Digest;
  /** The precedents that policy was given; absent if there were none. */
  readonly precedents?: Precedents;
}

/** Who may be put in by an emergency reroute, and the review that it owes. */
export interface EmergencyReroute {
  readonly condition: string;
  /** Groups that the replacement may come from, besides the ordinary substitutes. */
  readonly substituteGroups: readonly string[];
  readonly reviewWithinMs: number;
  readonly reviewers: readonly PrincipalId[];
}

/** What an authenticator reports about itself when it signs (WebAuthn Level 3, section 6.1). Recorded with the statement. */
export interface AuthenticatorFacts {
  /** Signatures made so far; 0 if the authenticator does not count them. */
  readonly signCount: number;
  /** Whether the key can be copied to other devices, and whether it has been. */
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
}

/** A statement with a valid signature, and the facts about its signer at that moment. */
export interface VerifiedStatement {
  readonly statement: Statement;
  /** Exactly what was received, kept for evidence. */
  readonly envelope: SignedEnvelope;
  readonly signer: Standing;
  readonly keyId: string;
  readonly assurance: Assurance;
  readonly channel: string;
  readonly directoryDigest: Digest;
  /** Absent unless a passkey signed. */
  readonly authenticator?: AuthenticatorFacts;
  readonly reroute?: RerouteCheck;
}

/** A message that could not be verified: why, and whom it claims to be from if that could be read. */
export interface UnverifiedStatement {
  readonly refusal: Refusal;
  readonly claimedVerb?: Verb;
  readonly claimedIssuer?: string;
  readonly claimedId?: string;
}

export type StatementCheck =
  | { readonly verified: true; readonly facts: VerifiedStatement }
  | { readonly verified: false; readonly attempt: UnverifiedStatement };

/** An accepted statement as it is kept for evidence: exactly what was received, and when. */
export interface KeptStatement {
  readonly envelope: SignedEnvelope;
  readonly receivedAtMs: number;
}
