import type { Digest } from '../domain/digest';
import type { PrincipalId } from '../domain/principal';
import type { AccessRequest } from '../domain/request';

/** Why someone is told. Each is told only to those who can do something about it at that moment, or who asked. */
export const NOTICE_KINDS = [
  /** Their turn has come: to approve, or to confirm. */
  'awaiting',
  /** Still their turn, and the reminder of the stage is due. */
  'reminder',
  /** Still their turn, and it will soon end unanswered. */
  'closing',
  /** Nobody answered; governance may step in. */
  'stalled',
  /** A governor has proposed another path, which a second one has to endorse. */
  'endorse',
  /** What someone asked for, and had to wait for, is decided. */
  'decided',
  /** A grant is about to end. */
  'ending',
  /** A review of theirs is owed. */
  'review',
  'review-overdue',
] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

export type DecidedHow = 'granted' | 'denied' | 'cancelled' | 'ended';

/** What a notice is about. Everything in it may come from a requester, so every medium escapes all of it. */
export interface NoticeSubject {
  readonly digest: Digest;
  readonly requester: PrincipalId;
  readonly beneficiary: PrincipalId;
  readonly entitlement: string;
  readonly durationMs?: number;
  readonly emergency?: boolean;
  readonly stage?: string;
  /** The requester's own words. Nobody has checked them. */
  readonly words?: AccessRequest['reason'];
  readonly escalatesAtMs?: number;
  readonly endsAtMs?: number;
  readonly decided?: DecidedHow;
  /** The proposed change of the path that could be endorsed. */
  readonly endorses?: string;
  /** What the one who is told can sign now. */
  readonly verb?: 'approve' | 'confirm' | 'endorse' | 'reroute' | 'review';
}

/** One thing for one person to know, true at the moment at which it was made. */
export interface Notice {
  /** Each is told once; this says which one it is. */
  readonly key: string;
  readonly kind: NoticeKind;
  readonly person: PrincipalId;
  readonly request: string;
  readonly sinceMs: number;
  readonly subject: NoticeSubject;
}

/** What one person is sent at a time: everything that there is to tell them, as one. */
export interface Message {
  /** The same for every try, so that a receiver can tell what came twice. */
  readonly id: string;
  readonly person: PrincipalId;
  readonly createdAtMs: number;
  readonly notices: readonly Notice[];
  /** Notices beyond those that one message holds. */
  readonly more: number;
}

/** Notices in one message; the others are counted. */
export const NOTICES_IN_A_MESSAGE = 20;
