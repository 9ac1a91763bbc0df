import type { PrincipalId } from '../domain/principal';
import { Distinct } from './distinct';
import { Spans } from './spans';
import { POLICY_ALONE, REQUEST_ENDS, type RequestEnd, type Timeline } from './timeline';

/** An approval given sooner than this after its prompt was hardly read. */
export const HARDLY_READ_MS = 10_000;
const HOUR_MS = 3_600_000;

/** What a group of requests cost. Shares are from 0 to 1, times in milliseconds. */
export interface Figures {
  readonly requests: number;
  readonly outcomes: Readonly<Record<RequestEnd, number>>;
  /** Decided by policy alone, permitted or stopped. */
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
  /** Share of the requests that needed people. */
  readonly rerouteShare: number;
  readonly approvals: number;
  /** Per person and hour, over the hours with at least one approval. */
  readonly approvalsPerPersonHour: number;
  readonly approvalP50Ms?: number;
  readonly approvalP90Ms?: number;
  readonly hardlyReadShare: number;
  /** Access on targets without a request. */
  readonly drift: number;
}

/** Adds up what a group of requests cost, in bounded memory. */
export class FiguresTally {
  readonly #ends = new Map<RequestEnd, number>();
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

  add(timeline: Timeline): void {
    this.#requests += 1;
    this.#ends.set(timeline.end, (this.#ends.get(timeline.end) ?? 0) + 1);
    if (timeline.decidedAfterMs !== undefined) this.#decision.add(timeline.decidedAfterMs);
    if (timeline.path === POLICY_ALONE || timeline.end === 'stopped') this.#byPolicy += 1;
    if (timeline.stages.length > 0) this.#byPeople += 1;
    if (timeline.repeat) this.#repeats += 1;
    if (timeline.request.emergency) this.#emergencies += 1;
    if (timeline.rerouted) this.#rerouted += 1;
    for (const { person, atMs } of timeline.prompts) this.#prompt(person, atMs);
    for (const { by, atMs, afterMs } of timeline.approvals) {
      this.#approval.add(afterMs);
      this.#approvingHours.add(personHour(by, atMs));
      if (afterMs < HARDLY_READ_MS) this.#hardlyRead += 1;
    }
  }

  addDrift(): void {
    this.#drift += 1;
  }

  figures(): Figures {
    const of = (end: RequestEnd) => this.#ends.get(end) ?? 0;
    const outcomes = Object.fromEntries(REQUEST_ENDS.map((one) => [one, of(one)])) as Record<
      RequestEnd,
      number
    >;
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

/** Returns the median and the 90th percentile as `<name>P50Ms` and `<name>P90Ms`; an empty object without values. */
export function quantiles<Name extends string>(
  name: Name,
  spans: Spans,
): Partial<Record<`${Name}P50Ms` | `${Name}P90Ms`, number>>;
export function quantiles(name: string, spans: Spans): Partial<Record<string, number>> {
  const [p50, p90] = [spans.quantile(0.5), spans.quantile(0.9)];
  return p50 === undefined || p90 === undefined ? {} : { [`${name}P50Ms`]: p50, [`${name}P90Ms`]: p90 };
}
