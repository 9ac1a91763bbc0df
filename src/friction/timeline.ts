import type { DomainEvent } from '../domain/event';
import { evolve } from '../domain/evolve';
import type { PrincipalId } from '../domain/principal';
import { type AccessRequest, entitlementName } from '../domain/request';
import type { Verdict } from '../domain/review';
import { awaited, currentPath } from '../domain/stages';
import { assessmentOf, isPending, type RequestState } from '../domain/state';

/** Stands for the path of a request that policy permitted without people. */
export const POLICY_ALONE = 'policy-alone';
/** Stands for the path of a request that policy stopped. */
export const NO_PATH = 'none';

/** How a request ended, for friction. A grant counts as `granted` also after its access ended. */
export const REQUEST_ENDS = [
  'granted',
  'stopped',
  'denied',
  'cancelled',
  'withdrawn',
  'lapsed',
  'failed',
  'open',
] as const;
export type RequestEnd = (typeof REQUEST_ENDS)[number];

/** Somebody was asked to act: they became awaited, or they were reminded. */
export interface Prompt {
  readonly person: PrincipalId;
  readonly atMs: number;
}

export interface ApprovalMade {
  readonly by: PrincipalId;
  readonly stage: string;
  readonly atMs: number;
  /** From the moment they became awaited. */
  readonly afterMs: number;
}

export interface StageTimeline {
  readonly name: string;
  readonly eligible: readonly PrincipalId[];
  readonly quorum: number;
  reminded: boolean;
  escalated: boolean;
  /** From opening to completion; absent if the stage did not complete. */
  completedAfterMs?: number;
}

/** What one request cost whom, read from its events. */
export interface Timeline {
  readonly request: AccessRequest;
  readonly entitlement: string;
  readonly path: string;
  readonly end: RequestEnd;
  /** From submission to the decision by policy or people; absent without a decision. */
  readonly decidedAfterMs?: number;
  readonly deniedBy?: PrincipalId;
  readonly prompts: readonly Prompt[];
  readonly approvals: readonly ApprovalMade[];
  readonly stages: readonly StageTimeline[];
  readonly reminders: number;
  readonly rerouted: boolean;
  /** The same entitlement was requested before, and that request ended without access. */
  readonly repeat: boolean;
  readonly afterMachineDenial: boolean;
  readonly privileged: boolean;
  readonly policies: readonly string[];
  readonly explanation?: string;
  readonly safeWay?: string;
  readonly revoked: boolean;
  readonly verdict?: Verdict;
}

/** Precedents of earlier requests that ended without access. */
const ENDED_BEFORE = ['hard-stop', 'refused', 'denied', 'cancelled', 'withdrawn', 'unanswered'];
/** After these events the core emits the next one at once, so whoever the state awaits in between is not asked. */
const IN_PASSING: readonly DomainEvent['type'][] = ['stage_completed', 'path_switched', 'switch_lapsed'];

/**
 * Reads the events of one request, oldest first. Returns undefined if its submission could not be read as a request.
 *
 * @throws Error if the core cannot fold the events
 */
export function timelineOf(events: readonly DomainEvent[]): Timeline | undefined {
  const reader = new TimelineReader();
  for (const event of events) reader.take(event);
  return reader.timeline();
}

class TimelineReader {
  #state: RequestState | null = null;
  #askedAtMs = 0;
  #decidedAtMs: number | undefined;
  #deniedBy: PrincipalId | undefined;
  #reminders = 0;
  #rerouted = false;
  #revoked = false;
  readonly #prompts: Prompt[] = [];
  readonly #approvals: ApprovalMade[] = [];
  readonly #stages: (StageTimeline & { readonly openedAtMs: number })[] = [];
  readonly #visibleSince = new Map<PrincipalId, number>();

  take(event: DomainEvent): void {
    this.#note(event);
    this.#state = evolve(this.#state, event);
    if (event.type === 'stage_opened') this.#open(event.stage, event.atMs);
    if (!IN_PASSING.includes(event.type)) this.#prompt(event.atMs);
  }

  timeline(): Timeline | undefined {
    const state = this.#state;
    if (state === null || state.phase === 'unread') return undefined;
    const { request } = state.submission;
    const { review } = state;
    const assessment = assessmentOf(state);
    const end = endOf(state);
    const alone = assessment?.outcome === 'permit' ? POLICY_ALONE : NO_PATH;
    return {
      request,
      entitlement: entitlementName(request.entitlement),
      path: assessment?.path?.name ?? alone,
      end,
      ...(this.#decidedAtMs !== undefined && { decidedAfterMs: this.#decidedAtMs - this.#askedAtMs }),
      ...(this.#deniedBy !== undefined && { deniedBy: this.#deniedBy }),
      prompts: this.#prompts,
      approvals: this.#approvals,
      stages: this.#stages,
      reminders: this.#reminders,
      rerouted: this.#rerouted,
      repeat: (assessment?.precedents ?? []).some(
        ({ kind, about }) => ENDED_BEFORE.includes(kind) && about === entitlementName(request.entitlement),
      ),
      afterMachineDenial: (assessment?.precedents ?? []).some(({ kind }) => kind === 'reported-denial'),
      privileged: assessment?.privileged ?? false,
      policies: assessment?.determiningPolicies ?? [],
      ...(assessment !== undefined && { explanation: assessment.explanation }),
      ...(assessment?.safeWay !== undefined && { safeWay: assessment.safeWay }),
      revoked: this.#revoked,
      ...(review.phase === 'done' && { verdict: review.verdict }),
    };
  }

  #note(event: DomainEvent): void {
    switch (event.type) {
      case 'submitted':
        this.#askedAtMs = event.atMs;
        return;
      case 'denied':
        this.#deniedBy = event.by;
        this.#decidedAtMs = event.atMs;
        return;
      case 'hard_stopped':
      case 'refused':
      case 'permitted':
      case 'approved':
        this.#decidedAtMs ??= event.atMs;
        return;
      case 'approval_counted': {
        const { by, stage, atMs } = event;
        this.#approvals.push({ by, stage, atMs, afterMs: atMs - (this.#visibleSince.get(by) ?? atMs) });
        return;
      }
      case 'stage_completed': {
        const open = this.#stages.findLast(({ name }) => name === event.stage);
        if (open !== undefined) open.completedAfterMs = event.atMs - open.openedAtMs;
        return;
      }
      case 'reminded':
      case 'escalated':
        this.#remind(event.type, event.awaiting, event.atMs);
        return;
      case 'rerouted':
      case 'path_switched':
        this.#rerouted = true;
        return;
      case 'ending_ordered':
        this.#revoked = event.end === 'revoked';
        return;
      default:
        return;
    }
  }

  #open(name: string, openedAtMs: number): void {
    const state = this.#state;
    const paths =
      state === null || state.phase === 'unread' ? [] : [currentPath(state), assessmentOf(state)?.path];
    const stage = paths.flatMap((path) => path?.stages ?? []).find((one) => one.name === name);
    const { eligible = [], quorum = 1 } = stage ?? {};
    this.#stages.push({ name, eligible, quorum, openedAtMs, reminded: false, escalated: false });
  }

  #remind(how: 'reminded' | 'escalated', awaiting: readonly PrincipalId[], atMs: number): void {
    const open = this.#stages.at(-1);
    if (open !== undefined) open[how] = true;
    this.#reminders += 1;
    for (const person of awaiting) this.#prompts.push({ person, atMs });
  }

  /** Adds a prompt for everyone who became awaited with this event, whatever caused it. */
  #prompt(atMs: number): void {
    const now = new Set(this.#state === null ? [] : askedIn(this.#state));
    for (const person of this.#visibleSince.keys()) if (!now.has(person)) this.#visibleSince.delete(person);
    for (const person of now) {
      if (this.#visibleSince.has(person)) continue;
      this.#visibleSince.set(person, atMs);
      this.#prompts.push({ person, atMs });
    }
  }
}

/** Who is awaited. After confirmation, nobody is between the last approval and the act. */
function askedIn(state: RequestState): readonly PrincipalId[] {
  const confirmed = isPending(state) && state.confirmation !== undefined && state.openStage === undefined;
  return confirmed ? [] : awaited(state);
}

function endOf({ phase, status }: RequestState): RequestEnd {
  if (phase === 'granted') return 'granted';
  switch (status) {
    case 'hard_stopped':
    case 'refused':
      return 'stopped';
    case 'denied':
    case 'cancelled':
    case 'withdrawn':
    case 'lapsed':
    case 'failed':
      return status;
    default:
      return 'open';
  }
}
