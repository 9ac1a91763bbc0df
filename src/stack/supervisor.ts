import { setTimeout as sleep } from 'node:timers/promises';
import type { Announce } from './announce';
import { type ChildSpec, type Ending, type RunningChild, startChild } from './child-process';
import { messageOf } from './errors';
import { lastLines } from './log-file';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** A child that has run this long has recovered, so that its next end counts as the first. */
const RECOVERED_AFTER_MS = 30_000;

interface Supervised {
  readonly spec: ChildSpec;
  readonly stopsWithinMs: number;
  child: RunningChild;
  startedAtMs: number;
  pauseMs: number;
  lastEnding?: Ending;
  watching: Promise<void>;
}

/** Runs programs, and restarts with growing pauses those that end by themselves. Stops them in reverse order. */
export class Supervisor {
  readonly #supervised: Supervised[] = [];
  readonly #stopping = new AbortController();

  /** `onStart` is called after every start and restart, when process ids have changed. */
  constructor(
    private readonly announce: Announce,
    private readonly onStart: () => void = () => undefined,
  ) {}

  async run(spec: ChildSpec, stopsWithinMs: number): Promise<void> {
    const child = await startChild(spec);
    const supervised: Supervised = {
      spec,
      stopsWithinMs,
      child,
      startedAtMs: Date.now(),
      pauseMs: FIRST_PAUSE_MS,
      watching: Promise.resolve(),
    };
    this.#supervised.push(supervised);
    supervised.watching = this.#watch(supervised);
    this.onStart();
  }

  /** Returns process ids by the name of the program. */
  pids(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#supervised.map(({ spec, child }) => [spec.name, child.pid]));
  }

  /** Returns why a program will not become ready, with the last lines of its log; undefined if it may. */
  troubleOf(name: string): string | undefined {
    if (this.#stopping.signal.aborted) return 'stopped';
    const supervised = this.#supervised.find(({ spec }) => spec.name === name);
    if (supervised?.lastEnding === undefined) return undefined;
    return [`${name} did not start: ${supervised.lastEnding}`, ...lastLines(supervised.spec.logFile)].join(
      ' | ',
    );
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const supervised of this.#supervised.toReversed()) {
      await supervised.child.stop(supervised.stopsWithinMs);
      await supervised.watching;
    }
  }

  async #watch(supervised: Supervised): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      supervised.lastEnding = await supervised.child.ended;
      if (signal.aborted) return;
      if (Date.now() - supervised.startedAtMs > RECOVERED_AFTER_MS) supervised.pauseMs = FIRST_PAUSE_MS;
      this.announce(
        `${supervised.spec.name}: ${supervised.lastEnding}; restarting it (log: ${supervised.spec.logFile})`,
      );
      await sleep(supervised.pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      supervised.pauseMs = Math.min(supervised.pauseMs * 2, LONGEST_PAUSE_MS);
      await this.#restart(supervised);
    }
  }

  async #restart(supervised: Supervised): Promise<void> {
    supervised.startedAtMs = Date.now();
    try {
      const child = await startChild(supervised.spec);
      supervised.child = child;
      // `stop` may have run while this one was starting.
      if (this.#stopping.signal.aborted) await child.kill();
      else this.onStart();
    } catch (error) {
      this.announce(messageOf(error));
    }
  }
}
