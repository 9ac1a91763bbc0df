import type { Assessment } from './assessment';
import type { Digest } from './digest';
import type { PrincipalId } from './principal';
import type { AccessRequest } from './request';
import type { Verdict } from './review';
import type { SignatureCount } from './signature-count';

/** A policy enforcement point's report that it denied somebody something. */
export interface DenialReport {
  readonly id: string;
  readonly reportedBy: PrincipalId;
  readonly subject: PrincipalId;
  /** The control that caused the denial, by its name in the catalog. */
  readonly control?: string;
  /** What the subject tried to use: `connector:resource`. */
  readonly resource?: string;
  readonly reasonCode: string;
  readonly deniedAtMs: number;
}

/** How a request ended that gave no access. `ended` if no person's statement ended it: it lapsed or was stopped. */
export const ASK_ENDS = ['denied', 'cancelled', 'withdrawn', 'ended'] as const;
export type AskEnd = (typeof ASK_ENDS)[number];

/** An earlier request, as the ledger has it. */
export interface EarlierAsk {
  readonly request: string;
  readonly requester: PrincipalId;
  readonly beneficiary: PrincipalId;
  readonly entitlement: string;
  /** The control it would have weakened. */
  readonly control?: string;
  readonly askedAtMs: number;
  /** Absent if the ledger does not know how the request was assessed. */
  readonly outcome?: Assessment['outcome'];
  /** Who was asked, by stage. */
  readonly approvers: Readonly<Record<string, readonly PrincipalId[]>>;
  readonly end?: AskEnd;
  readonly endedBy?: PrincipalId;
  readonly endedAtMs?: number;
  readonly granted: boolean;
}

/** An earlier grant to the same people or identity: an emergency, or one whose review is still owed. */
export interface EarlierGrant {
  readonly request: string;
  readonly requester: PrincipalId;
  readonly beneficiary: PrincipalId;
  readonly emergency: boolean;
  readonly grantedAtMs: number;
  /** Absent if no review is owed, or it has been given. */
  readonly reviewDueAtMs?: number;
  readonly verdict?: Verdict;
}

/**
 * The earlier requests, denials and grants that are relevant to a request. They are stored outside the orchestrator. A
 * missing record counts against a request or not at all: only a grant clears an earlier request, and the act records it.
 */
export interface Precedents {
  /** Earlier requests for the same resource by the same parties that did not lead to access; newest first. */
  readonly asks: readonly EarlierAsk[];
  readonly denials: readonly DenialReport[];
  readonly grants: readonly EarlierGrant[];
  /** When this request was first recorded; time counts back from there. Absent if that is not known. */
  readonly askedAtMs?: number;
}

export const NO_PRECEDENTS: Precedents = { asks: [], denials: [], grants: [] };

/** A request as the ledger records it, to compare later requests with. */
export interface AskEntry {
  readonly request: AccessRequest;
  readonly digest: Digest;
  /** Everyone in conflict with the request. */
  readonly parties: readonly PrincipalId[];
  /** The control it would weaken. */
  readonly control?: string;
  /** The controls that guard what it asks for. */
  readonly guardedBy: readonly string[];
  /** How far back precedents count, from when the request was first recorded. */
  readonly withinMs: number;
  readonly atMs: number;
}

/** A grant as the ledger records it: for the review it owes, and to end it when somebody it rests on leaves. */
export interface GrantEntry {
  readonly digest: Digest;
  readonly request: string;
  readonly connector: string;
  readonly emergency: boolean;
  readonly requester: PrincipalId;
  readonly beneficiary: PrincipalId;
  readonly parties: readonly PrincipalId[];
  /** Everyone who took part in the decision. None of them may review it. */
  readonly participants: readonly PrincipalId[];
  /** Who may discharge the review. */
  readonly reviewers: readonly PrincipalId[];
  readonly reviewDueAtMs?: number;
  readonly grantedAtMs: number;
  readonly expiresAtMs: number;
}

/** A grant on record, with when its access ended if that is known. */
export interface RecordedGrant extends GrantEntry {
  readonly overAtMs?: number;
}

/** Names a recorded grant that never happened: by digest, or by request and target. */
export type NeverGranted =
  | { readonly digest: Digest }
  | { readonly request: string; readonly connector: string };

/** A grant that has not ended, with the people it rests on. */
export interface OpenGrant {
  readonly request: string;
  readonly connector: string;
  readonly parties: readonly PrincipalId[];
  readonly grantedAtMs: number;
  readonly expiresAtMs: number;
}

/**
 * Stores what was asked, denied, granted and reviewed. Every call is idempotent. Calls throw if the store cannot be
 * reached; a caller that needs the answer to let something through must then refuse it.
 */
export interface Ledger {
  /** Records a request, once, and returns what came before it. */
  ask(entry: AskEntry): Promise<Precedents>;
  /** Records how policy first assessed the request, and who was asked. */
  assessed(digest: Digest, assessment: Assessment): Promise<void>;
  /** Records that the request ended without access. A more exact end replaces a vaguer one. */
  ended(request: string, end: AskEnd, atMs: number, by?: PrincipalId): Promise<void>;
  /** Records a grant before the act, so that none lacks its review. A repeated call can only tighten what is owed. */
  granted(entry: GrantEntry): Promise<void>;
  /** Records that nothing was given and nothing will be. Call this only if the target itself said so. */
  neverGranted(given: NeverGranted): Promise<void>;
  /** Records that the access of a grant has ended. */
  over(request: string, atMs: number): Promise<void>;
  openGrants(atMs: number): Promise<readonly OpenGrant[]>;
  /** Every grant on record under the id of a request: of itself, and of any other that had the same id. */
  grantsOf(request: string): Promise<readonly RecordedGrant[]>;
  /** The grant whose review someone wants to discharge. */
  grantOf(digest: Digest): Promise<GrantEntry | undefined>;
  reviewed(digest: Digest, by: PrincipalId, verdict: Verdict, atMs: number): Promise<void>;
  reportDenial(report: DenialReport): Promise<void>;
  /**
   * Records the count of a passkey's verified signature. Returns false if its counter went back: another signature has this count, or a
   * later one has been on record for longer than `LATE_SIGNATURE_MS`. The same signature is as good the second time.
   *
   * @param made `long ago` if it may be far behind, so that only a count that another signature has is refused
   */
  signed(signature: SignatureCount, atMs: number, made?: 'long ago'): Promise<boolean>;
  /** How many reviews are owed: in time still, and overdue. */
  reviewsOwed(atMs: number): Promise<{ readonly due: number; readonly overdue: number }>;
}
