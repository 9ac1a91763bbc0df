import { evidenceOf } from '../contracts/evidence';
import { checkCarriedLog } from '../domain/carried-log';
import { derive } from '../domain/derive';
import type { DomainEvent } from '../domain/event';
import { fold } from '../domain/evolve';
import type { Authority } from '../domain/ports';
import { withAskers } from '../domain/precedent-askers';
import type { PrincipalId } from '../domain/principal';
import type { Submission } from '../domain/request';
import type { RequestState } from '../domain/state';
import type { Notice } from './notice';
import type { Pace } from './notify-file';
import type { PastRequests } from './past';
import type { People } from './plan/able';
import { type Prompts, promptsOf } from './plan/prompts';
import { endingOf, outcomeOf, reviewOf } from './plan/records';

/** A request that waits for people, as Temporal lists it. `version` changes whenever its row does. */
export interface WaitingRow {
  readonly id: string;
  /** Who signed its submission. */
  readonly by: PrincipalId;
  readonly version: string;
}

/** What is read from Temporal. None of it is believed before it is derived again from signatures. */
export interface RequestsInView {
  /** Lists the waiting requests that somebody signed. */
  waiting(): Promise<readonly WaitingRow[]>;
  events(id: string): Promise<readonly DomainEvent[]>;
}

/** The directory and policy of this moment, and the people to notify. */
export interface NoticeAuthority extends Authority {
  readonly people: People;
}

export interface LookerOptions {
  readonly requests: RequestsInView;
  readonly past: PastRequests;
  readonly authority: () => Promise<NoticeAuthority>;
  readonly nowMs: () => number;
}

/** Decisions older than this when first seen are not announced. */
const NEWS_MS = 3_600_000;

const NOTHING: Prompts = { notices: [], changesAtMs: Number.POSITIVE_INFINITY };

/** Finds out whom to notify of what. */
export class Looker {
  constructor(private readonly options: LookerOptions) {}

  waiting(): Promise<readonly WaitingRow[]> {
    return this.options.requests.waiting();
  }

  /**
   * Returns whom to prompt about a waiting request. It derives the answer from signatures, today's directory and today's policy, so
   * a forged workflow prompts nobody.
   */
  async prompts(id: string, { nearExpiry }: Pace): Promise<Prompts> {
    const { requests, authority, nowMs } = this.options;
    const events = await requests.events(id);
    const evidence = evidenceOf(events);
    const reported = reportedBy(events);
    if (evidence === undefined || reported === undefined || evidence.submission.request.id !== id)
      return NOTHING;
    const atMs = nowMs();
    const { directory, policy, people } = await authority();
    // A log that holds an event which nobody signed is somebody's invention, even if its submission is true.
    const checked = await checkCarriedLog(events, evidence.submission, atMs, directory, policy, undefined);
    if (!checked.ok) return NOTHING;
    const derived = await derive(evidence, atMs, directory, policy);
    if (!derived.ok || derived.value.state === null) return NOTHING;
    const { precedents = [] } = derived.value.assessment;
    const { request } = evidence.submission;
    return promptsOf({
      derived: derived.value.state,
      reported,
      precedents: await withAskers(precedents, request, (earlier) => this.#submissionOf(earlier), directory),
      people,
      nearExpiryMs: nearExpiry,
      nowMs: atMs,
    });
  }

  async #submissionOf(id: string): Promise<Submission | undefined> {
    const events = await this.options.requests.events(id).catch(() => []);
    return events.flatMap((one) => (one.type === 'submitted' ? one.submission : []))[0];
  }

  /** Returns notices from the ledger: decisions, grants about to end, reviews owed. */
  async records({ nearEnd }: Pace, newsMs = NEWS_MS, request?: string): Promise<readonly Notice[]> {
    const { past, authority, nowMs } = this.options;
    const atMs = nowMs();
    const { people } = await authority();
    const decided = await past.decided(atMs - newsMs, request);
    const ending = await past.ending(atMs, nearEnd, request);
    const owing = await past.owing(atMs, request);
    return [
      ...decided.flatMap((one) => outcomeOf(one, people, atMs)),
      ...ending.flatMap((one) => endingOf(one, people, atMs, nearEnd)),
      ...owing.flatMap((one) => reviewOf(one, people, atMs)),
    ];
  }

  /** Returns those of the sought notices of a request that are still true, as they are now. */
  async current(
    request: string,
    sought: ReadonlySet<string>,
    pace: Pace,
  ): Promise<ReadonlyMap<string, Notice>> {
    const found = new Map<string, Notice>();
    const take = (notices: readonly Notice[]) => {
      for (const notice of notices) if (sought.has(notice.key)) found.set(notice.key, notice);
    };
    const recorded = await this.records(pace, NEWS_MS + pace.giveUpAfter, request);
    take(await Promise.all(recorded.map((notice) => this.#withDecision(notice))));
    // The ledger first: its records outlive the workflow.
    if (found.size < sought.size) take((await this.prompts(request, pace)).notices);
    return found;
  }

  /** Adds who denied or cancelled the request and why, if its workflow still tells and what it tells is signed. */
  async #withDecision(notice: Notice): Promise<Notice> {
    const { requests, authority, nowMs } = this.options;
    const { decided, digest } = notice.subject;
    const verb = decided === 'denied' ? 'deny' : decided === 'cancelled' ? 'cancel' : undefined;
    if (verb === undefined) return notice;
    const events = await requests.events(notice.request).catch(() => []);
    const submission = events.flatMap((one) => (one.type === 'submitted' ? one.submission : []))[0];
    if (submission === undefined) return notice;
    const { directory, policy } = await authority();
    const checked = await checkCarriedLog(events, submission, nowMs(), directory, policy, undefined);
    if (!checked.ok || checked.value.digest !== digest) return notice;
    const decision = checked.value.decisions.findLast((one) => one.verb === verb);
    return decision === undefined ? notice : { ...notice, subject: { ...notice.subject, decision } };
  }
}

/** Returns the state that a workflow's events claim, or undefined if they cannot be folded. */
function reportedBy(events: readonly DomainEvent[]): RequestState | undefined {
  try {
    return fold(events) ?? undefined;
  } catch {
    return undefined;
  }
}
