import { setTimeout as sleep } from 'node:timers/promises';
import type { Announce } from './announce';
import { type ChildSpec, type Ending, type RunningChild, startChild } from './child-process';
import { messageOf } from './errors';
import { lastLines } from './log-file';

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
  lastEnding?: Ending;
  watching: Promise<void>;
}

/** Runs programs and starts again those that end by themselves, slower each time. Stops them in the reverse order. */
export class Supervisor {
  readonly #charges: Charge[] = [];
  readonly #stopping = new AbortController();

  /** `onStart` hears of every start and restart, when the process ids have changed. */
  constructor(
    private readonly announce: Announce,
    private readonly onStart: () => void = () => undefined,
  ) {}

  async run(spec: ChildSpec, stopsWithinMs: number): Promise<void> {
    const child = await startChild(spec);
    const charge: Charge = {
      spec,
      stopsWithinMs,
      child,
      startedAtMs: Date.now(),
      pauseMs: FIRST_PAUSE_MS,
      watching: Promise.resolve(),
    };
    this.#charges.push(charge);
    charge.watching = this.#watch(charge);
    this.onStart();
  }

  /** Process ids by name, for people who want to look at one, or to kill one. */
  pids(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#charges.map(({ spec, child }) => [spec.name, child.pid]));
  }

  /** Why there is no point in waiting for a program to get ready: it has ended, and these were its last words. */
  troubleOf(name: string): string | undefined {
    if (this.#stopping.signal.aborted) return 'stopped';
    const charge = this.#charges.find(({ spec }) => spec.name === name);
    if (charge?.lastEnding === undefined) return undefined;
    return [`${name} did not start: ${charge.lastEnding}`, ...lastLines(charge.spec.logFile)].join(' | ');
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const charge of this.#charges.toReversed()) {
      await charge.child.stop(charge.stopsWithinMs);
      await charge.watching;
    }
  }

  async #watch(charge: Charge): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      charge.lastEnding = await charge.child.ended;
      if (signal.aborted) return;
      if (Date.now() - charge.startedAtMs > RECOVERED_AFTER_MS) charge.pauseMs = FIRST_PAUSE_MS;
      this.announce(
        `${charge.spec.name}: ${charge.lastEnding}; starting it again (log: ${charge.spec.logFile})`,
      );
      await sleep(charge.pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      charge.pauseMs = Math.min(charge.pauseMs * 2, LONGEST_PAUSE_MS);
      await this.#startAgain(charge);
    }
  }

  async #startAgain(charge: Charge): Promise<void> {
    charge.startedAtMs = Date.now();
    try {
      const child = await startChild(charge.spec);
      charge.child = child;
      // `stop` may have passed by while this one was being born.
      if (this.#stopping.signal.aborted) await child.kill();
      else this.onStart();
    } catch (error) {
      this.announce(messageOf(error));
    }
  }
}
