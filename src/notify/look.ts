import { evidenceOf } from '../contracts/evidence-of';
import { derive } from '../domain/derive';
import type { DomainEvent } from '../domain/event';
import { fold } from '../domain/evolve';
import type { Directory, Policy } from '../domain/ports';
import type { RequestState } from '../domain/state';
import type { Notice } from './notice';
import type { Pace } from './notify-file';
import type { PastRequests } from './past';
import type { People } from './plan/able';
import { endingOf, outcomeOf, reviewOf } from './plan/records';
import { type Turns, turnsOf } from './plan/turns';

/** A request that waits for people, as the server lists it. `version` changes when its place in the list does. */
export interface WaitingRow {
  readonly id: string;
  readonly version: string;
}

/** What is read of the orchestrator. None of it is believed before it is derived again. */
export interface RequestsInView {
  waiting(): Promise<readonly WaitingRow[]>;
  events(id: string): Promise<readonly DomainEvent[]>;
}

/** The directory and policy of this moment. */
export interface Authority {
  readonly directory: Directory;
  readonly policy: Policy;
  readonly people: People;
}

export interface LookerOptions {
  readonly requests: RequestsInView;
  readonly past: PastRequests;
  readonly authority: () => Promise<Authority>;
  readonly nowMs: () => number;
}

/** What is older when it is first seen is no news any more. */
const NEWS_MS = 3_600_000;

const NOTHING: Turns = { notices: [], changesAtMs: Number.POSITIVE_INFINITY };

/** Finds out what there is to tell. */
export class Looker {
  constructor(private readonly options: LookerOptions) {}

  waiting(): Promise<readonly WaitingRow[]> {
    return this.options.requests.waiting();
  }

  /**
   * Whose turn it is at a request that waits. The answer rests on what its requester and others have signed, on today's
   * directory and on today's policy; a workflow that is not what it seems has nobody told.
   */
  async turns(id: string, { nearExpiry }: Pace): Promise<Turns> {
    const { requests, authority, nowMs } = this.options;
    const events = await requests.events(id);
    const evidence = evidenceOf(events);
    const reported = reportedBy(events);
    if (evidence === undefined || reported === undefined || evidence.submission.request.id !== id)
      return NOTHING;
    const atMs = nowMs();
    const { directory, policy, people } = await authority();
    const derived = await derive(evidence, atMs, directory, policy);
    if (!derived.ok || derived.value.state === null) return NOTHING;
    return turnsOf({
      derived: derived.value.state,
      reported,
      people,
      nearExpiryMs: nearExpiry,
      nowMs: atMs,
    });
  }

  /** What the ledger has for people to know: decisions, grants that are about to end, reviews owed. */
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

  /** Those notices of a request that are still true, as they are true now. */
  async current(
    request: string,
    sought: ReadonlySet<string>,
    pace: Pace,
  ): Promise<ReadonlyMap<string, Notice>> {
    const found = new Map<string, Notice>();
    const take = (notices: readonly Notice[]) => {
      for (const notice of notices) if (sought.has(notice.key)) found.set(notice.key, notice);
    };
    take(await this.records(pace, NEWS_MS + pace.giveUpAfter, request));
    // What is on record outlives the workflow, which the server forgets in time.
    if (found.size < sought.size) take((await this.turns(request, pace)).notices);
    return found;
  }
}

/** Where a workflow says that it stands. What cannot be folded says nothing. */
function reportedBy(events: readonly DomainEvent[]): RequestState | undefined {
  try {
    return fold(events) ?? undefined;
  } catch {
    return undefined;
  }
}
