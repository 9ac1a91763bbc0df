import { type CountersignClient, CountersignError } from '../../client';
import type { Logger } from '../../contracts/logger';
import type { PrincipalId } from '../../domain/principal';
import type { SigningKey } from '../../signing/keys';
import { SeenOnce } from '../../signing/seen';
import { type DenialDraft, signDenialReport } from '../../signing/sign';

/** Longest queue of reports. A gateway that denies more logs that reports are lost, and goes on denying. */
const MOST_WAITING = 1_000;
/** Equal denials within this time are reported once. Later requests look at what was denied, not how often. */
const SAME_WITHIN_MS = 60_000;
const MOST_KNOWN = 10_000;
const LONGEST_PAUSE_MS = 30_000;
/** How long a stopping gateway waits for the report in progress. */
const STOP_WITHIN_MS = 1_000;

export type DeniedAttempt = Omit<DenialDraft, 'deniedAt'>;

export interface DenialReportsOptions {
  readonly client: Pick<CountersignClient, 'reportDenial'>;
  readonly key: SigningKey;
  /** The identity that the gateway reports as. It has the role of an enforcement point. */
  readonly reporter: PrincipalId;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly firstPauseMs?: number;
  /** How many denials are remembered to recognise repeats. */
  readonly mostKnown?: number;
}

/**
 * Reports what this decision point denied, for the record that later requests are judged with (APB-3), so that enforcement
 * points need not report it too. Decisions never wait for it: `note` adds to a queue in memory, and one report at a time is
 * signed and sent.
 */
export class DenialReports {
  readonly #waiting: DenialDraft[] = [];
  readonly #known: SeenOnce;
  #lost = 0;
  #carrying: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #stopped = false;

  constructor(private readonly options: DenialReportsOptions) {
    this.#known = new SeenOnce(options.mostKnown ?? MOST_KNOWN, options.nowMs);
  }

  /** Queues a denial. Never blocks and never throws. */
  note(denied: DeniedAttempt): void {
    const { nowMs } = this.options;
    const { sub, control = '', resource = '', reasonCode } = denied;
    const name = `${sub} ${control} ${resource} ${reasonCode}`;
    if (this.#stopped || this.#known.wasSeen(name)) return;
    if (this.#waiting.length >= MOST_WAITING) {
      if (this.#lost === 0) this.options.log.error({}, 'too many denials wait to be reported; more are lost');
      // Not remembered, so that the next equal denial is reported if there is room then.
      this.#lost += 1;
      return;
    }
    // Reported even if it cannot be remembered: a repeated report does no harm.
    this.#known.first(name, nowMs() + SAME_WITHIN_MS);
    this.#waiting.push({ ...denied, deniedAt: nowMs() / 1_000 });
    this.#carrying ??= this.#carryAll().finally(() => {
      this.#carrying = undefined;
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOP_WITHIN_MS);
    });
    await Promise.race([this.#carrying, late]);
    clearTimeout(timer);
    this.#tellLost();
    if (this.#waiting.length > 0)
      this.options.log.warn({ denials: this.#waiting.length }, 'stopped before these denials were reported');
  }

  #tellLost(): void {
    if (this.#lost > 0)
      this.options.log.error({ denials: this.#lost }, 'denials were not reported: too many at once');
    this.#lost = 0;
  }

  async #carryAll(): Promise<void> {
    const { firstPauseMs = 1_000 } = this.options;
    for (let pauseMs = firstPauseMs; !this.#stopped; ) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      if (await this.#carry(next)) {
        this.#waiting.shift();
        pauseMs = firstPauseMs;
        this.#tellLost();
      } else {
        await this.#pause(pauseMs);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
  }

  /** Sends a report. Returns true if it need not be retried. */
  async #carry(draft: DenialDraft): Promise<boolean> {
    const { client, reporter, key, nowMs, log } = this.options;
    try {
      const answer = await client.reportDenial(await signDenialReport(draft, reporter, key, nowMs()));
      if (!answer.ok) log.error({ code: answer.refusal.code }, 'a denial report was refused');
      return true;
    } catch (error) {
      if (error instanceof CountersignError && error.code === 'INVALID_STATEMENT') return true;
      return false;
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
