import type { Logger } from '../contracts/logger';

/** How often the store is searched for what is due. */
export const TICK_MS = 1_000;
/** If a gateway dies with something, another one takes it over after this. */
export const CLAIM_MS = 60_000;
const LONGEST_PAUSE_MS = 30_000;

export interface DueWatchOptions<Due> {
  /** What is due, in words for the log. */
  readonly about: string;
  /** Returns what is due now, and keeps it from other gateways until then. */
  readonly claim: (nowMs: number, untilMs: number, most: number) => Promise<readonly Due[]>;
  readonly mostAtOnce: number;
  readonly attend: (due: Due) => Promise<void>;
  /** Returns the members by which the log names it. */
  readonly named: (due: Due) => Readonly<Record<string, string>>;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly tickMs?: number;
}

/** Attends to what gateways owe others. It stays in a store until it is done, and any gateway may do it. */
export class DueWatch<Due> {
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(private readonly options: DueWatchOptions<Due>) {}

  start(): void {
    const again = () => {
      if (this.#stopped) return;
      this.#timer = setTimeout(() => {
        this.#looking = this.look().finally(again);
      }, this.options.tickMs ?? TICK_MS);
      this.#timer.unref();
    };
    again();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  /** Attends to everything that is due. */
  async look(): Promise<void> {
    const { about, claim, mostAtOnce, attend, named, log, nowMs } = this.options;
    try {
      const due = await claim(nowMs(), nowMs() + CLAIM_MS, mostAtOnce);
      // What fails here stays claimed, and is due again when its claim ends.
      const postponed = (one: Due) => () => log.warn(named(one), `${about} has to wait`);
      await Promise.all(due.map((one) => attend(one).catch(postponed(one))));
    } catch {
      log.warn({}, `${about} cannot be looked for now; trying again`);
    }
  }
}

/** Returns when to look again at what is still open: the longer it has been, the less a moment matters. */
export const pauseAfterMs = (ageMs: number): number =>
  Math.min(LONGEST_PAUSE_MS, Math.max(TICK_MS, ageMs / 20));
