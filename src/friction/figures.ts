import type { PrincipalId } from '../domain/principal';
import { type Course, OUTCOMES, type Outcome, POLICY_ALONE } from './course';
import { Distinct } from './distinct';
import { Spans } from './spans';

/** An approval given sooner than this after it was asked for can hardly have been read. */
export const HARDLY_READ_MS = 10_000;
const HOUR_MS = 3_600_000;

/** What a group of requests has cost, as numbers. Shares are from 0 to 1; times are in milliseconds. */
export interface Figures {
  readonly requests: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Decided by policy alone, whichever way. */
  readonly byPolicy: number;
  readonly decisionP50Ms?: number;
  readonly decisionP90Ms?: number;
  readonly prompts: number;
  readonly promptsPerPersonHour: number;
  /** Denied by people or stopped by policy. */
  readonly denials: number;
  readonly repeats: number;
  readonly lapsed: number;
  readonly emergencyShare: number;
  /** Of the requests that people had to decide. */
  readonly rerouteShare: number;
  readonly approvals: number;
  /** For a person, in an hour in which they approved at all. */
  readonly approvalsPerPersonHour: number;
  readonly approvalP50Ms?: number;
  readonly approvalP90Ms?: number;
  readonly hardlyReadShare: number;
  /** Access on targets that no request accounts for. */
  readonly drift: number;
}

/** Adds up what a group of requests has cost, in bounded memory. */
export class FiguresTally {
  readonly #outcomes = new Map<Outcome, number>();
  readonly #decision = new Spans();
  readonly #approval = new Spans();
  readonly #personHours = new Distinct();
  readonly #approvingHours = new Distinct();
  #requests = 0;
  #byPolicy = 0;
  #byPeople = 0;
  #prompts = 0;
  #repeats = 0;
  #emergencies = 0;
  #rerouted = 0;
  #hardlyRead = 0;
  #drift = 0;

  add(course: Course): void {
    this.#requests += 1;
    this.#outcomes.set(course.outcome, (this.#outcomes.get(course.outcome) ?? 0) + 1);
    if (course.decidedAfterMs !== undefined) this.#decision.add(course.decidedAfterMs);
    if (course.path === POLICY_ALONE || course.outcome === 'stopped') this.#byPolicy += 1;
    if (course.stages.length > 0) this.#byPeople += 1;
    if (course.repeat) this.#repeats += 1;
    if (course.request.emergency) this.#emergencies += 1;
    if (course.rerouted) this.#rerouted += 1;
    for (const { person, atMs } of course.prompts) this.#prompt(person, atMs);
    for (const { by, atMs, afterMs } of course.approvals) {
      this.#approval.add(afterMs);
      this.#approvingHours.add(personHour(by, atMs));
      if (afterMs < HARDLY_READ_MS) this.#hardlyRead += 1;
    }
  }

  addDrift(): void {
    this.#drift += 1;
  }

  figures(): Figures {
    const of = (outcome: Outcome) => this.#outcomes.get(outcome) ?? 0;
    const outcomes = Object.fromEntries(OUTCOMES.map((one) => [one, of(one)])) as Record<Outcome, number>;
    return {
      requests: this.#requests,
      outcomes,
      byPolicy: this.#byPolicy,
      ...quantiles('decision', this.#decision),
      prompts: this.#prompts,
      promptsPerPersonHour: share(this.#prompts, this.#personHours.count),
      denials: of('denied') + of('stopped'),
      repeats: this.#repeats,
      lapsed: of('lapsed'),
      emergencyShare: share(this.#emergencies, this.#requests),
      rerouteShare: share(this.#rerouted, this.#byPeople),
      approvals: this.#approval.count,
      approvalsPerPersonHour: share(this.#approval.count, this.#approvingHours.count),
      ...quantiles('approval', this.#approval),
      hardlyReadShare: share(this.#hardlyRead, this.#approval.count),
      drift: this.#drift,
    };
  }

  #prompt(person: PrincipalId, atMs: number): void {
    this.#prompts += 1;
    this.#personHours.add(personHour(person, atMs));
  }
}

const personHour = (person: PrincipalId, atMs: number): string => `${person} ${Math.floor(atMs / HOUR_MS)}`;

export const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

/** The median and the ninetieth percentile, where there is anything to take them of. */
export function quantiles<Name extends string>(
  name: Name,
  spans: Spans,
): Partial<Record<`${Name}P50Ms` | `${Name}P90Ms`, number>>;
export function quantiles(name: string, spans: Spans): Partial<Record<string, number>> {
  const [p50, p90] = [spans.quantile(0.5), spans.quantile(0.9)];
  return p50 === undefined || p90 === undefined ? {} : { [`${name}P50Ms`]: p50, [`${name}P90Ms`]: p90 };
}
