import type { ApprovalPath } from './assessment';
import type { Digest } from './digest';
import type { Precedents } from './precedents';
import type { Assurance, PrincipalId, Standing } from './principal';
import type { Refusal } from './refusal';
import type { SignedEnvelope } from './request';
import type { Status } from './state';

/** What a person can say about a request. Each verb has its own authority (OVR-1). */
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

/** Replace one approver by another, until a moment. */
export interface Replacement {
  readonly replace: PrincipalId;
  readonly with: PrincipalId;
  readonly untilMs: number;
}

/** Go by another path that policy names, until a moment. */
export interface PathChoice {
  readonly path: string;
  readonly untilMs: number;
}

export const VERDICTS = ['justified', 'unjustified', 'needs-follow-up'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** What became of an approved execution: its token was used, an attempt to use it was refused, or how it ended. */
export const OUTCOMES = ['redeemed', 'redemption_refused', 'succeeded', 'failed', 'unknown'] as const;
export type ExecutionOutcome = (typeof OUTCOMES)[number];

/** The claims of a signed statement (RFC 7519 names where they exist; times in milliseconds once decoded). */
export interface Statement {
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
  readonly stage?: string;
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
  /** Of a `report`: what became of the execution, and who said so to the one who signs. */
  readonly outcome?: ExecutionOutcome;
  readonly reporter?: PrincipalId;
  readonly comment?: string;
}

/**
 * What current policy says of a reroute, found out beside the signature check, because the pure core can read neither
 * the bundle nor the ticket system.
 */
export interface RerouteFacts {
  readonly reasonCodeListed: boolean;
  readonly ticketFound: boolean;
  readonly policyBasisListed: boolean;
  /** The replacement's standing now; absent when the directory does not know them. */
  readonly candidate?: Standing;
  /** Stages (by name) of the request's path in which current policy lets the candidate decide. */
  readonly candidateStages: readonly string[];
  /** The path that a switch asks for, resolved for this request; absent where policy does not offer it. */
  readonly alternative?: ApprovalPath;
  /** What policy says of an emergency reroute; absent where the condition is not listed. */
  readonly emergency?: EmergencyReroute;
  /** The policy by which all of this was found out. */
  readonly policyDigest?: Digest;
  /** What it was told of the past; absent where there was nothing to tell. */
  readonly precedents?: Precedents;
}

/** What an emergency reroute reaches, and what it costs. */
export interface EmergencyReroute {
  readonly condition: string;
  /** Groups from which the replacement may come beside the ordinary substitutes. */
  readonly substituteGroups: readonly string[];
  readonly reviewWithinMs: number;
  readonly reviewers: readonly PrincipalId[];
}

/** A statement whose signature held, with the facts about its signer at that moment. */
export interface VerifiedStatement {
  readonly statement: Statement;
  /** What was received, kept for evidence. */
  readonly envelope: SignedEnvelope;
  readonly signer: Standing;
  readonly keyId: string;
  readonly assurance: Assurance;
  readonly channel: string;
  readonly directoryDigest: Digest;
  readonly reroute?: RerouteFacts;
}

/** What arrived that could not be verified: the refusal, and who it claims to be from if that could be read. */
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

/** What the sender of a statement hears. Refusals are verdicts too. */
export interface StatementVerdict {
  readonly accepted: boolean;
  readonly refusal?: Refusal;
  readonly status: Status;
  readonly revision: number;
}
