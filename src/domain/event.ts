import type { ApprovalPath, Assessment } from './assessment';
import type { Digest } from './digest';
import type { EndCause, HeldLease, Lease, LeaseEnd } from './lease';
import type { Assurance, PrincipalId } from './principal';
import type { Refusal } from './refusal';
import type { SignedEnvelope, Submission } from './request';
import type { Verdict } from './review';
import type { EmergencyReroute, ExecutionOutcome, Statement, Verb } from './statement';

/** Who asked, and how we know. Recognition is not approval, so it is an event of its own (TTA-1). */
export interface Recognition {
  readonly principal: PrincipalId;
  readonly keyId: string;
  readonly assurance: Assurance;
  readonly channel: string;
  readonly directoryDigest: Digest;
}

/** A statement that was accepted: its claims, how it was verified, and exactly what was received. */
export interface AcceptedStatement {
  readonly statement: Statement;
  readonly keyId: string;
  readonly assurance: Assurance;
  readonly channel: string;
  readonly directoryDigest: Digest;
  readonly envelope: SignedEnvelope;
}

/** What happened to a request, in the audit's own words. Never changed once recorded. */
export type DomainEvent = { readonly atMs: number } & (
  | { readonly type: 'submitted'; readonly submission: Submission; readonly digest: Digest }
  | { readonly type: 'submission_rejected'; readonly refusal: Refusal }
  | { readonly type: 'recognised'; readonly recognition: Recognition }
  | { readonly type: 'assessed'; readonly assessment: Assessment }
  | { readonly type: 'hard_stopped' }
  | { readonly type: 'refused' }
  | { readonly type: 'permitted' }
  | { readonly type: 'confirmation_awaited' }
  | { readonly type: 'stage_opened'; readonly stage: string; readonly revision: number }
  | { readonly type: 'statement_accepted'; readonly accepted: AcceptedStatement }
  | {
      readonly type: 'statement_refused';
      readonly refusal: Refusal;
      readonly verb?: Verb;
      readonly by?: string;
      readonly jti?: string;
    }
  | { readonly type: 'statements_dropped'; readonly count: number }
  | {
      readonly type: 'approval_counted';
      readonly by: PrincipalId;
      readonly stage: string;
      readonly jti: string;
      readonly expiresAtMs: number;
      /** Present if it is for less time than was asked for. */
      readonly durationMs?: number;
    }
  | {
      readonly type: 'approval_lapsed';
      readonly by: PrincipalId;
      readonly stage: string;
      readonly jti: string;
    }
  | {
      readonly type: 'confirmed';
      readonly by: PrincipalId;
      readonly jti: string;
      readonly expiresAtMs: number;
    }
  | { readonly type: 'confirmation_lapsed'; readonly by: PrincipalId; readonly jti: string }
  | { readonly type: 'stage_completed'; readonly stage: string }
  | { readonly type: 'approved' }
  | { readonly type: 'denied'; readonly by: PrincipalId }
  | { readonly type: 'cancelled'; readonly by: PrincipalId }
  | { readonly type: 'withdrawn'; readonly by: PrincipalId }
  | { readonly type: 'reroute_proposed'; readonly reroute: RerouteRecord }
  | {
      readonly type: 'rerouted';
      readonly reroute: RerouteRecord;
      readonly endorsedBy?: PrincipalId;
      readonly revision: number;
    }
  | { readonly type: 'reroute_unendorsed'; readonly jti: string }
  | { readonly type: 'replacement_lapsed'; readonly jti: string; readonly revision: number }
  | { readonly type: 'switch_proposed'; readonly change: SwitchRecord }
  | {
      readonly type: 'path_switched';
      readonly change: SwitchRecord;
      readonly endorsedBy?: PrincipalId;
      readonly revision: number;
    }
  | { readonly type: 'switch_unendorsed'; readonly jti: string }
  | { readonly type: 'switch_lapsed'; readonly jti: string; readonly revision: number }
  | { readonly type: 'review_owed'; readonly dueAtMs: number }
  | { readonly type: 'reminded'; readonly stage: string; readonly awaiting: readonly PrincipalId[] }
  | { readonly type: 'escalated'; readonly stage: string; readonly awaiting: readonly PrincipalId[] }
  | { readonly type: 'lapsed' }
  | { readonly type: 'provisioning_started' }
  | { readonly type: 'provisioning_failed'; readonly refusal: Refusal }
  | {
      readonly type: 'granted';
      readonly lease: Lease;
      readonly reviewDueAtMs?: number;
      /** Who can give that review, if the act said so; otherwise the reviewers of the assessment. */
      readonly reviewers?: readonly PrincipalId[];
    }
  | { readonly type: 'ending_ordered'; readonly end: LeaseEnd; readonly by?: PrincipalId }
  | {
      readonly type: 'access_ended';
      readonly end: LeaseEnd;
      /** By the target's record. Present if access had ended before the request ended it. */
      readonly endedAtMs?: number;
      readonly cause?: EndCause;
    }
  | { readonly type: 'barred'; readonly held?: HeldLease }
  | { readonly type: 'review_overdue' }
  | { readonly type: 'reviewed'; readonly by: PrincipalId; readonly verdict: Verdict }
  | {
      readonly type: 'execution_reported';
      readonly outcome: ExecutionOutcome;
      readonly by: PrincipalId;
      readonly reporter?: PrincipalId;
      readonly reasonCode?: string;
    }
  | { readonly type: 'closed' }
);

/** What every change of the path has on record: by whom, why, until when, by which policy (OVR-5). */
interface ChangeRecord {
  readonly jti: string;
  readonly by: PrincipalId;
  readonly untilMs: number;
  readonly reasonCode: string;
  readonly ticket: string;
  readonly policyBasis: string;
  /** The policy that judged the change. */
  readonly policyDigest: Digest;
  readonly endorsementNeeded: boolean;
}

/** The record of a replacement: from whom, to whom. */
export interface RerouteRecord extends ChangeRecord {
  readonly stage: string;
  readonly replace: PrincipalId;
  readonly with: PrincipalId;
  /** Present if it was made under an emergency condition; then a review is owed. */
  readonly emergency?: EmergencyReroute;
}

/** The record of a switch: from which path, to which, and who decides there. */
export interface SwitchRecord extends ChangeRecord {
  readonly from: string;
  readonly path: ApprovalPath;
}
