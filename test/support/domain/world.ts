import type { Command } from '../../../src/domain/command';
import { decide } from '../../../src/domain/decide';
import type { DomainEvent } from '../../../src/domain/event';
import { evolve, fold } from '../../../src/domain/evolve';
import type { AccessRequest, SignedEnvelope } from '../../../src/domain/request';
import type { ReadState, RequestState } from '../../../src/domain/state';
import type { Statement, VerifiedStatement } from '../../../src/domain/statement';
import type { Status } from '../../../src/domain/status';
import { recognition, START } from './builders';
import { submit } from './commands';
import type { Dice } from './dice';
import { PolicyInMemory } from './ports';
import { type Scenario, scenarioOf } from './scenario';
import { verified } from './statements';

/** A verified statement that reached the request, when it did, and whether it was accepted. */
export interface Delivery {
  readonly facts: VerifiedStatement;
  readonly atMs: number;
  readonly accepted: boolean;
  /** Index of the step in which it was delivered. */
  readonly step: number;
}

/** One step of the core: the command, and the events that followed. */
export interface Step {
  readonly before: RequestState | null;
  readonly command: Command;
  readonly events: readonly DomainEvent[];
  readonly after: RequestState | null;
  /** The status after each event. */
  readonly course: readonly Status[];
}

/** One request, the statements about it, and the time. Keeps its own record of what the core received. */
export class World {
  readonly scenario: Scenario;
  readonly policy: PolicyInMemory;
  readonly events: DomainEvent[] = [];
  readonly deliveries: Delivery[] = [];
  readonly steps: Step[] = [];
  nowMs = START;

  constructor(
    dice: Dice,
    private readonly seal?: (statement: Statement) => SignedEnvelope,
  ) {
    this.scenario = scenarioOf(dice);
    this.policy = new PolicyInMemory(this.scenario.assessment);
    this.note(openingOf(this.scenario.request));
  }

  /** True if statements are sealed, so that evidence of this world can be proved. */
  get isSealed(): boolean {
    return this.seal !== undefined;
  }

  get state(): ReadState {
    const state = this.steps.at(-1)?.after;
    if (!state || state.phase === 'unread') throw new Error('no request was submitted');
    return state;
  }

  tell(command: Command): Step {
    const before = this.steps.at(-1)?.after ?? null;
    const events = decide(before, command);
    const course: Status[] = [];
    let after = before;
    for (const event of events) {
      after = evolve(after, event);
      if (after !== null) course.push(after.status);
    }
    return this.note({ before, command, events, after, course });
  }

  private note(step: Step): Step {
    this.events.push(...step.events);
    this.steps.push(step);
    return step;
  }

  assess(isRecognised = true): void {
    const assessment = { ...this.scenario.assessment, assessedAtMs: this.nowMs };
    const who = isRecognised || this.isSealed ? { recognition } : {};
    this.tell({ type: 'record_assessment', atMs: this.nowMs, assessment, ...who });
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.tell({ type: 'tick', atMs: this.nowMs });
  }

  deliver(statement: Statement, changes: Partial<VerifiedStatement> = {}): void {
    const reroute = statement.verb === 'reroute' && { reroute: this.policy.factsOf(statement) };
    const envelope = this.seal && { envelope: this.seal(statement) };
    this.send(verified(statement, { ...envelope, ...reroute, ...changes }));
  }

  send(facts: VerifiedStatement): void {
    const step = this.tell({ type: 'consider', atMs: this.nowMs, check: { verified: true, facts } });
    const accepted = step.events.some((event) => event.type === 'statement_accepted');
    this.deliveries.push({ facts, atMs: this.nowMs, accepted, step: this.steps.length - 1 });
  }
}

const openings = new WeakMap<AccessRequest, Step>();

/** The submission of a request, decided once and shared by all worlds that submit it. */
function openingOf(request: AccessRequest): Step {
  const known = openings.get(request);
  if (known) return known;
  const command = submit(request);
  const events = decide(null, command);
  const after = fold(events);
  const opening = { before: null, command, events, after, course: after ? [after.status] : [] };
  openings.set(request, opening);
  return opening;
}
