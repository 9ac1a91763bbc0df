import type { DomainEvent } from '../domain/event';
import { evolve } from '../domain/evolve';
import type { PrincipalId } from '../domain/principal';
import { type AccessRequest, entitlementName } from '../domain/request';
import { awaited, isPending, type RequestState } from '../domain/state';
import type { Verdict } from '../domain/statement';

/** The path of what policy alone let through. */
export const POLICY_ALONE = 'policy-alone';
/** The path of what went no way at all, because policy ended it. */
export const NO_PATH = 'none';

/** How a request has come out, as far as friction goes. Whether access has ended since makes no difference here. */
export const OUTCOMES = [
  'granted',
  'stopped',
  'denied',
  'cancelled',
  'withdrawn',
  'lapsed',
  'failed',
  'open',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Someone was asked for something: their turn came, or they were reminded. */
export interface Prompt {
  readonly person: PrincipalId;
  readonly atMs: number;
}

export interface ApprovalMade {
  readonly by: PrincipalId;
  readonly stage: string;
  readonly atMs: number;
  /** From the moment the prompt was visible to them. */
  readonly afterMs: number;
}

export interface StageCourse {
  readonly name: string;
  readonly eligible: readonly PrincipalId[];
  readonly quorum: number;
  reminded: boolean;
  escalated: boolean;
  /** From opening to completion; absent where it did not complete. */
  completedAfterMs?: number;
}

/** What one request has cost whom, read from its events. */
export interface Course {
  readonly request: AccessRequest;
  readonly entitlement: string;
  readonly path: string;
  readonly outcome: Outcome;
  /** From submission to the decision of policy or people; absent where none was made. */
  readonly decidedAfterMs?: number;
  readonly deniedBy?: PrincipalId;
  readonly prompts: readonly Prompt[];
  readonly approvals: readonly ApprovalMade[];
  readonly stages: readonly StageCourse[];
  readonly reminders: number;
  readonly rerouted: boolean;
  /** The same was asked before, and ended without access. */
  readonly repeat: boolean;
  readonly afterMachineDenial: boolean;
  readonly privileged: boolean;
  readonly policies: readonly string[];
  readonly explanation?: string;
  readonly safeWay?: string;
  readonly revoked: boolean;
  readonly verdict?: Verdict;
}

/** Kinds of precedents that say: this was asked before, and it led nowhere. */
const ENDED_BEFORE = ['hard-stop', 'refused', 'denied', 'cancelled', 'withdrawn', 'unanswered'];
/** Between these and the next event nobody is really awaited yet. */
const IN_PASSING: readonly DomainEvent['type'][] = ['stage_completed', 'path_switched', 'switch_lapsed'];

/** Reads the events of one request, oldest first; nothing where what was submitted could not be read as a request. */
export function courseOf(events: readonly DomainEvent[]): Course | undefined {
  const reading = new Reading();
  for (const event of events) reading.take(event);
  return reading.course();
}

class Reading {
  #state: RequestState | null = null;
  #askedAtMs = 0;
  #decidedAtMs: number | undefined;
  #deniedBy: PrincipalId | undefined;
  #reminders = 0;
  #rerouted = false;
  #revoked = false;
  readonly #prompts: Prompt[] = [];
  readonly #approvals: ApprovalMade[] = [];
  readonly #stages: (StageCourse & { readonly openedAtMs: number })[] = [];
  readonly #visibleSince = new Map<PrincipalId, number>();

  take(event: DomainEvent): void {
    this.#note(event);
    this.#state = evolve(this.#state, event);
    if (event.type === 'stage_opened') this.#open(event.stage, event.atMs);
    if (!IN_PASSING.includes(event.type)) this.#prompt(event.atMs);
  }

  course(): Course | undefined {
    const state = this.#state;
    const request = state?.submission?.request;
    if (state === null || request === undefined) return undefined;
    const { assessment, review } = state;
    const outcome = outcomeOf(state);
    const alone = assessment?.outcome === 'permit' ? POLICY_ALONE : NO_PATH;
    return {
      request,
      entitlement: entitlementName(request.entitlement),
      path: assessment?.path?.name ?? alone,
      outcome,
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
    const paths = [
      this.#state?.switches?.find(({ phase }) => phase === 'in_force')?.path,
      this.#state?.assessment?.path,
    ];
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

  /** Whoever was not awaited a moment ago and is now has been asked, whatever brought it about. */
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

/** Who is awaited; between its last approval and the act, nobody who has confirmed already. */
function askedIn(state: RequestState): readonly PrincipalId[] {
  const confirmed = state.confirmation !== undefined && state.openStage === undefined;
  return confirmed && isPending(state) ? [] : awaited(state);
}

function outcomeOf({ status, lease }: RequestState): Outcome {
  if (lease !== undefined) return 'granted';
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
