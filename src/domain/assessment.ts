import type { Digest } from './digest';
import type { Assurance, PrincipalId } from './principal';

/** Why the machine decided as it did. Stable, like refusal codes. */
export const REASON_CODES = [
  'PERMITTED_BY_POLICY',
  'APPROVAL_NEEDED',
  'CONTROL_WEAKENING',
  'POLICY_HARD_STOP',
  'FORBIDDEN_BY_POLICY',
  'NO_MATCHING_POLICY',
  'POLICIES_DISAGREE',
  'UNKNOWN_REQUESTER',
  'UNKNOWN_BENEFICIARY',
  'UNKNOWN_ENTITLEMENT',
  'UNKNOWN_DELEGATOR',
  'INACTIVE_IDENTITY',
  'NO_ACCOUNT_ON_TARGET',
  'DURATION_NOT_BOUNDED',
  'DURATION_OVER_LIMIT',
  'OUTLIVES_IDENTITY',
  'EMERGENCY_NOT_NAMED',
  'NOBODY_CAN_APPROVE',
  'STALE_SUBMISSION',
  'BAD_SUBMISSION',
  'MALFORMED_REQUEST',
  'NOT_SUPPORTED',
  'ARGUMENTS_NOT_AS_DECLARED',
  'ASKED_TOO_OFTEN',
  'REVIEW_OVERDUE',
  'TOO_MANY_EMERGENCIES',
  'START_NOT_POSSIBLE',
] as const;
export type ReasonCode = (typeof REASON_CODES)[number];

/** Someone who may decide in place of an absent approver, by the directory at the time of the assessment. */
export interface Delegation {
  readonly from: PrincipalId;
  readonly to: PrincipalId;
}

/** One stage of an approval path: a quorum of distinct people out of those eligible when the request was assessed. */
export interface Stage {
  readonly name: string;
  /** Frozen at assessment; conflicted people are never in it. */
  readonly eligible: readonly PrincipalId[];
  /** Those of `eligible` whom policy no longer lets decide. Governance can give their places to somebody else. */
  readonly departed?: readonly PrincipalId[];
  /** Groups that made them eligible. An approver who has left all of them can no longer decide. */
  readonly groups: readonly string[];
  /** Groups from which governance may take a replacement; they approve nothing unless rerouted to. */
  readonly substituteGroups: readonly string[];
  /** Frozen like `eligible`. Each counts only while the directory still says the same. */
  readonly delegations?: readonly Delegation[];
  readonly quorum: number;
  readonly assurance: Assurance;
  /** Channels in which people may choose instead of signing. Only a stage of assurance `channel` has any. */
  readonly channels?: readonly string[];
  /** From the moment the stage opens. Time reminds, escalates or expires; it never approves. */
  readonly remindAfterMs: number;
  readonly escalateAfterMs: number;
  readonly expireAfterMs: number;
}

export interface ApprovalPath {
  readonly name: string;
  /** How long approvals and confirmations count after they were signed. Absent: for a day. */
  readonly approvalsCountForMs?: number;
  readonly stages: readonly Stage[];
}

/** A demand for a second control over scope and intent (TTA-4). */
export interface Confirmation {
  readonly by: readonly PrincipalId[];
  readonly before: 'approval' | 'execution';
}

/** A person or identity in conflict with the request, and through which relation. */
export interface Party {
  readonly id: PrincipalId;
  readonly relation: 'requester' | 'beneficiary' | 'sponsor' | 'owner' | 'delegator';
}

export const PRECEDENT_KINDS = [
  'reported-denial',
  'hard-stop',
  'refused',
  'denied',
  'cancelled',
  'withdrawn',
  'unanswered',
  'open',
] as const;

/** An earlier event that bears on a request, as approvers see it (APB-3, APB-4). */
export interface LinkedPrecedent {
  readonly kind: (typeof PRECEDENT_KINDS)[number];
  /** Id of the denial report or of the earlier request. */
  readonly id: string;
  /** The control, resource or entitlement that it was about. */
  readonly about: string;
  /** Who denied, reported or ended it; absent if nobody did. */
  readonly by?: PrincipalId;
  readonly atMs: number;
}

export const REMEDY_ASKERS = ['beneficiary', 'owner', 'sponsor'] as const;

/** The smallest change with which policy would let a request through. All of its members are needed together. */
export interface Remedy {
  readonly ticket?: true;
  readonly atMostMs?: number;
  /** Who has to ask, as one of the beneficiary and those who answer for it. */
  readonly askedBy?: (typeof REMEDY_ASKERS)[number];
}

/** What a connector needs to act. It comes from the catalog and the directory, never from the caller. */
export interface TargetBinding {
  /** The beneficiary's account on the target. */
  readonly account: string;
  /** What the account is given there, in the connector's own terms. */
  readonly grant: Readonly<Record<string, string>>;
}

/** What policy and directory say about a request. An activity makes it; replay reads the recorded one. */
export interface Assessment {
  readonly outcome: 'hard_stop' | 'refuse' | 'permit' | 'approve';
  readonly reasonCodes: readonly ReasonCode[];
  /** One sentence for the requester. */
  readonly explanation: string;
  /** What to do instead, if policy names something (APB-7). */
  readonly safeWay?: string;
  /** What would change a refusal. Absent if nothing small would, or that is not the requester's to know. */
  readonly remedy?: Remedy;
  readonly path?: ApprovalPath;
  readonly confirmation?: Confirmation;
  /** The longest the grant may last; the request's own duration is within it. */
  readonly maxDurationMs: number;
  readonly reviewWithinMs?: number;
  /** People who can discharge the review debt. */
  readonly reviewers: readonly PrincipalId[];
  /** A reroute of privileged access needs a second governor (OVR-8). */
  readonly privileged: boolean;
  readonly parties: readonly Party[];
  /** What came before it; absent if nothing did. */
  readonly precedents?: readonly LinkedPrecedent[];
  /** Words of the request that call for a closer look. They are shown to approvers and decide nothing (APB-2). */
  readonly flags?: readonly string[];
  /** Absent unless the outcome is `permit` or `approve`. */
  readonly binding?: TargetBinding;
  readonly determiningPolicies: readonly string[];
  readonly policyDigest: Digest;
  readonly directoryDigest: Digest;
  readonly engineVersion: string;
  /** Attributes the decision rested on, for the record and for explanation. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly assessedAtMs: number;
}

/** Returns the relations that put someone in conflict with a request; empty if there is none. */
export function conflictsOf(assessment: Assessment, id: PrincipalId): readonly Party['relation'][] {
  return assessment.parties.filter((party) => party.id === id).map((party) => party.relation);
}
