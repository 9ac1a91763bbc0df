import type { Assessment } from './assessment';
import type { Digest } from './digest';
import type { PrincipalId } from './principal';
import type { AccessRequest } from './request';
import type { Verdict } from './statement';

/** What a policy enforcement point says it denied to someone. */
export interface DenialReport {
  readonly id: string;
  readonly reportedBy: PrincipalId;
  readonly subject: PrincipalId;
  /** The control that held, by its name in the catalog. */
  readonly control?: string;
  /** What was reached for: `connector:resource`. */
  readonly resource?: string;
  readonly reasonCode: string;
  readonly deniedAtMs: number;
}

/** How a request ended that gave no access. `ended` where no statement of a person says it: it lapsed, or was stopped. */
export const ASK_ENDS = ['denied', 'cancelled', 'withdrawn', 'ended'] as const;
export type AskEnd = (typeof ASK_ENDS)[number];

/** An earlier request, as it is on record outside the orchestrator. */
export interface EarlierAsk {
  readonly request: string;
  readonly requester: PrincipalId;
  readonly beneficiary: PrincipalId;
  readonly entitlement: string;
  /** The control it would have weakened. */
  readonly control?: string;
  readonly askedAtMs: number;
  /** Absent where nobody knows what came of the assessment. */
  readonly outcome?: Assessment['outcome'];
  /** Who was asked, by stage. */
  readonly approvers: Readonly<Record<string, readonly PrincipalId[]>>;
  readonly end?: AskEnd;
  readonly endedBy?: PrincipalId;
  readonly endedAtMs?: number;
  readonly granted: boolean;
}

/** An earlier grant of the same people or identity: an emergency, or one whose review is still owed. */
export interface EarlierGrant {
  readonly request: string;
  readonly requester: PrincipalId;
  readonly beneficiary: PrincipalId;
  readonly emergency: boolean;
  readonly grantedAtMs: number;
  /** Absent where no review is owed, or it has been given. */
  readonly reviewDueAtMs?: number;
  readonly verdict?: Verdict;
}

/**
 * What came before a request and bears on it. It is kept outside the orchestrator, and what is missing from it can only
 * be what has not happened or what would weigh against a request: a grant is put on record by the act that made it.
 */
export interface Precedents {
  /** Of the same resource, by the same parties, before this one, and without access; newest first. */
  readonly asks: readonly EarlierAsk[];
  readonly denials: readonly DenialReport[];
  readonly grants: readonly EarlierGrant[];
  /** When this request itself was first put on record: time counts back from there. Absent where nothing says so. */
  readonly askedAtMs?: number;
}

export const NO_PRECEDENTS: Precedents = { asks: [], denials: [], grants: [] };

/** A request as it is put on record: what later ones are compared with. */
export interface AskEntry {
  readonly request: AccessRequest;
  readonly digest: Digest;
  /** Everyone in conflict with it. */
  readonly parties: readonly PrincipalId[];
  /** The control it would weaken. */
  readonly control?: string;
  /** The controls that guard what it asks for. */
  readonly guardedBy: readonly string[];
  /** How far back anything counts, from when it was first asked. */
  readonly withinMs: number;
  readonly atMs: number;
}

/** What is kept of a grant, so that its review is owed and it ends with the people it rests on. */
export interface GrantEntry {
  readonly digest: Digest;
  readonly request: string;
  readonly connector: string;
  readonly emergency: boolean;
  readonly requester: PrincipalId;
  readonly beneficiary: PrincipalId;
  readonly parties: readonly PrincipalId[];
  /** Whoever took part in the decision, and may not review it. */
  readonly participants: readonly PrincipalId[];
  /** Who may discharge the review. */
  readonly reviewers: readonly PrincipalId[];
  readonly reviewDueAtMs?: number;
  readonly grantedAtMs: number;
  readonly expiresAtMs: number;
}

/** Which grant on record was none: the one of that digest, or whatever was to be given on that target under that id. */
export type NeverGranted =
  | { readonly digest: Digest }
  | { readonly request: string; readonly connector: string };

/** A grant that is alive, with those it rests on. */
export interface OpenGrant {
  readonly request: string;
  readonly connector: string;
  readonly parties: readonly PrincipalId[];
  readonly expiresAtMs: number;
}

/**
 * What has been asked, denied, granted and reviewed, in a store of our own. Every call may be repeated. Calls throw
 * where the store cannot be reached; whoever needs the answer to let something through must then not let it through.
 */
export interface Ledger {
  /** Puts a request on record, once, and yields what came before it. */
  ask(entry: AskEntry): Promise<Precedents>;
  /** What policy said of it at first, and who was asked. */
  assessed(digest: Digest, assessment: Assessment): Promise<void>;
  /** It ended without access. What is more exact than what was known replaces it. */
  ended(request: string, end: AskEnd, atMs: number, by?: PrincipalId): Promise<void>;
  /** Put on record before the act, so that no grant is without its debt. Said again, it only ever weighs more. */
  granted(entry: GrantEntry): Promise<void>;
  /** Nothing was given and nothing will be: only for whoever has it from the target itself. */
  neverGranted(given: NeverGranted): Promise<void>;
  /** Its access has ended. */
  over(request: string, atMs: number): Promise<void>;
  openGrants(atMs: number): Promise<readonly OpenGrant[]>;
  /** The grant whose review someone wants to discharge. */
  grantOf(digest: Digest): Promise<GrantEntry | undefined>;
  reviewed(digest: Digest, by: PrincipalId, verdict: Verdict, atMs: number): Promise<void>;
  reportDenial(report: DenialReport): Promise<void>;
  /** How many reviews are owed: in time still, and overdue. */
  reviewsOwed(atMs: number): Promise<{ readonly due: number; readonly overdue: number }>;
}
