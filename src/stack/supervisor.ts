import { setTimeout as sleep } from 'node:timers/promises';
import type { Announce } from './announce';
import { type ChildSpec, type RunningChild, startChild } from './child-process';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** A child that has lived this long has recovered; its next end is a new trouble. */
const RECOVERED_AFTER_MS = 30_000;

interface Charge {
  readonly spec: ChildSpec;
  readonly stopsWithinMs: number;
  child: RunningChild;
  startedAtMs: number;
  pauseMs: number;
}

/** Runs programs and starts again those that end by themselves, slower each time. Stops them in the reverse order. */
export class Supervisor {
  readonly #charges: Charge[] = [];
  #stopping = false;

  constructor(private readonly announce: Announce) {}

  async run(spec: ChildSpec, stopsWithinMs: number): Promise<void> {
    const child = await startChild(spec);
    const charge = { spec, stopsWithinMs, child, startedAtMs: Date.now(), pauseMs: FIRST_PAUSE_MS };
    this.#charges.push(charge);
    void this.#watch(charge);
  }

  /** Process ids by name, for people who want to look at one, or to kill one. */
  pids(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#charges.map(({ spec, child }) => [spec.name, child.pid]));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    for (const { child, stopsWithinMs } of [...this.#charges].reverse()) await child.stop(stopsWithinMs);
  }

  async #watch(charge: Charge): Promise<void> {
    while (!this.#stopping) {
      const ending = await charge.child.ended;
      if (this.#stopping) return;
      if (Date.now() - charge.startedAtMs > RECOVERED_AFTER_MS) charge.pauseMs = FIRST_PAUSE_MS;
      this.announce(`${charge.spec.name}: ${ending}; starting it again (log: ${charge.spec.logFile})`);
      await sleep(charge.pauseMs);
      if (this.#stopping) return;
      charge.pauseMs = Math.min(charge.pauseMs * 2, LONGEST_PAUSE_MS);
      charge.startedAtMs = Date.now();
      try {
        charge.child = await startChild(charge.spec);
      } catch (error) {
        this.announce(error instanceof Error ? error.message : String(error));
      }
    }
  }
}
