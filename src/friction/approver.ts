import { Bounded } from './bounded';
import { HARDLY_READ_MS, quantiles, share } from './figures';
import { Spans } from './spans';
import type { Timeline } from './timeline';

const HOUR_MS = 3_600_000;
/** Hours with prompts, or with approvals, that are kept for one person: two years of working hours. */
const HOURS_A_PERSON = 4_000;
/** The same for all people together, so that memory stays bounded with many people. */
const HOURS_IN_ALL = 250_000;

/** What approving costs one person. */
export interface ApproverFigures {
  readonly person: string;
  readonly prompts: number;
  readonly approvals: number;
  readonly denials: number;
  /** Mean over the hours with at least one prompt. */
  readonly promptsPerHour: number;
  readonly busiestHour: { readonly prompts: number; readonly atMs: number };
  /** Mean over the hours with at least one approval. */
  readonly approvalsPerHour: number;
  readonly mostApprovalsInAnHour: number;
  readonly approvalP50Ms?: number;
  readonly approvalP90Ms?: number;
  readonly hardlyReadShare: number;
}

/** Adds up the work of all approvers, in bounded memory. */
export class ApproversTally {
  readonly #people: Bounded<Person>;
  #hours = 0;
  /** False if there were more hours than are kept; hourly figures then cover the kept ones only. */
  complete = true;

  constructor(limit: number) {
    this.#people = new Bounded(limit, () => new Person());
  }

  add({ prompts, approvals, deniedBy }: Timeline): void {
    for (const { person, atMs } of prompts) this.#prompt(this.#people.of(person), atMs);
    for (const { by, atMs, afterMs } of approvals) {
      const person = this.#people.of(by);
      person.approve(afterMs);
      this.#count(person.approvalHours, atMs);
    }
    if (deniedBy !== undefined) this.#people.of(deniedBy).denials += 1;
  }

  figures(): readonly ApproverFigures[] {
    return this.#people.entries().map(([person, tally]) => tally.figures(person));
  }

  #prompt(person: Person, atMs: number): void {
    person.prompts += 1;
    this.#count(person.hours, atMs);
  }

  #count(hours: Map<number, number>, atMs: number): void {
    const hour = Math.floor(atMs / HOUR_MS);
    const known = hours.get(hour);
    if (known === undefined && (hours.size >= HOURS_A_PERSON || this.#hours >= HOURS_IN_ALL)) {
      this.complete = false;
      return;
    }
    if (known === undefined) this.#hours += 1;
    hours.set(hour, (known ?? 0) + 1);
  }
}

class Person {
  prompts = 0;
  denials = 0;
  readonly hours = new Map<number, number>();
  readonly approvalHours = new Map<number, number>();
  readonly #approval = new Spans();
  #hardlyRead = 0;

  approve(afterMs: number): void {
    this.#approval.add(afterMs);
    if (afterMs < HARDLY_READ_MS) this.#hardlyRead += 1;
  }

  figures(person: string): ApproverFigures {
    let busiest = { prompts: 0, atMs: 0 };
    let counted = 0;
    for (const [hour, prompts] of this.hours) {
      counted += prompts;
      const earlier = prompts === busiest.prompts && hour * HOUR_MS < busiest.atMs;
      if (prompts > busiest.prompts || earlier) busiest = { prompts, atMs: hour * HOUR_MS };
    }
    const approved = [...this.approvalHours.values()];
    return {
      person,
      prompts: this.prompts,
      approvals: this.#approval.count,
      denials: this.denials,
      promptsPerHour: share(counted, this.hours.size),
      busiestHour: busiest,
      approvalsPerHour: share(
        approved.reduce((sum, one) => sum + one, 0),
        approved.length,
      ),
      mostApprovalsInAnHour: approved.reduce((most, one) => Math.max(most, one), 0),
      ...quantiles('approval', this.#approval),
      hardlyReadShare: share(this.#hardlyRead, this.#approval.count),
    };
  }
}
