import type { PrecedentView, Quorum } from '../contracts/progress';
import type { Digest } from '../domain/digest';
import type { PrincipalId } from '../domain/principal';
import type { AccessRequest } from '../domain/request';
import type { CountedStatement } from '../domain/state';

/** Why someone is notified. Only people who can act on it at that moment, or who asked, are notified. */
export const NOTICE_KINDS = [
  /** They can now approve or confirm. */
  'awaiting',
  /** They have not answered, and the stage's reminder is due. */
  'reminder',
  /** They have not answered, and the stage will soon expire. */
  'closing',
  /** Nobody answered; governance may step in. */
  'stalled',
  /** A governor has proposed another path, which a second one has to endorse. */
  'endorse',
  /** A request of theirs that had to wait is decided. */
  'decided',
  /** A grant is about to end. */
  'ending',
  /** They owe a review. */
  'review',
  'review-overdue',
] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

export type DecidedHow = 'granted' | 'denied' | 'cancelled' | 'ended';

/** What a notice is about. A requester may have written any of it, so every medium escapes all of it. */
export interface NoticeSubject {
  readonly digest: Digest;
  readonly requester: PrincipalId;
  readonly beneficiary: PrincipalId;
  readonly entitlement: string;
  readonly durationMs?: number;
  /** When access begins at the earliest, if it was asked for later. */
  readonly notBeforeMs?: number;
  readonly emergency?: boolean;
  readonly stage?: string;
  /** Channels in which that stage can be decided, and the revision of the path. Absent if it has to be signed. */
  readonly choice?: { readonly channels: readonly string[]; readonly revision: number };
  /** How many approvals that stage needs and has, and who could give those that it lacks. */
  readonly quorum?: Quorum;
  /** The requester's own words. Nobody has checked them. */
  readonly words?: AccessRequest['reason'];
  /** What a decision is about, beyond all that. Absent in notices to which nobody answers with a decision. */
  readonly review?: ReviewFacts;
  readonly escalatesAtMs?: number;
  readonly endsAtMs?: number;
  readonly decided?: DecidedHow;
  /** Who denied or cancelled it, when and why; absent if its workflow no longer tells. */
  readonly decision?: CountedStatement;
  /** Statement id of the proposed path change that they can endorse. */
  readonly endorses?: string;
  /** What the reader can sign now. */
  readonly verb?: 'approve' | 'confirm' | 'endorse' | 'reroute' | 'review';
}

/** What a page and the command line show before somebody signs. */
export interface ReviewFacts
  extends Pick<
    AccessRequest,
    'parameters' | 'containment' | 'rollback' | 'ticket' | 'onBehalfOf' | 'emergencyCondition'
  > {
  readonly precedents: readonly PrecedentView[];
  readonly flags: readonly string[];
}

/** One thing for one person to know, true when it was made. */
export interface Notice {
  /** Identifies the notice: each is sent once. */
  readonly key: string;
  readonly kind: NoticeKind;
  readonly person: PrincipalId;
  readonly request: string;
  readonly sinceMs: number;
  readonly subject: NoticeSubject;
}

/** Everything that one person is sent at a time. */
export interface Message {
  /** The same for every try, so that a receiver can recognise duplicates. */
  readonly id: string;
  readonly person: PrincipalId;
  readonly createdAtMs: number;
  readonly notices: readonly Notice[];
  /** Notices beyond those that one message holds. */
  readonly more: number;
}

/** Notices in one message; the others are counted. */
export const NOTICES_IN_A_MESSAGE = 20;

/** Counts since the start. */
export interface NotificationCounts {
  passes: number;
  failures: number;
  looks: number;
  messages: number;
  sent: number;
  void: number;
  putOff: number;
  givenUp: number;
}
