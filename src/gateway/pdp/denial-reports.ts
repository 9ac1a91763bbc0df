import { type CountersignClient, CountersignError } from '../../client';
import type { PrincipalId } from '../../domain/principal';
import type { SigningKey } from '../../signing/keys';
import { SeenOnce } from '../../signing/seen';
import { type DenialDraft, signDenialReport } from '../../signing/sign';
import type { Log } from '../execution/report';

/** Reports that wait to be carried. A gateway that denies more than this says so in its log, and goes on denying. */
const MOST_WAITING = 1_000;
/** The same denial within this time is one: what counts for later requests is that it was denied, not how often. */
const SAME_WITHIN_MS = 60_000;
const MOST_KNOWN = 10_000;
const LONGEST_PAUSE_MS = 30_000;
/** How long a gateway that is asked to stop goes on with the report that is under way. */
const STOP_WITHIN_MS = 1_000;

export type DeniedAttempt = Omit<DenialDraft, 'deniedAt'>;

export interface DenialReportsOptions {
  readonly client: Pick<CountersignClient, 'reportDenial'>;
  readonly key: SigningKey;
  /** The identity that the gateway reports as; it holds the role of an enforcement point. */
  readonly reporter: PrincipalId;
  readonly log: Log;
  readonly nowMs: () => number;
  readonly firstPauseMs?: number;
  /** Denials that are known again within a minute. */
  readonly mostKnown?: number;
}

/**
 * Puts what this decision point has denied on the record that later requests are judged with (APB-3), so that an
 * enforcement point need not say it as well. A decision never waits for it: `note` puts into a queue in memory, and one
 * report at a time is signed and carried.
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

  /** Takes a denial in. Never waits and never throws. */
  note(denied: DeniedAttempt): void {
    const { nowMs } = this.options;
    const { sub, control = '', resource = '', reasonCode } = denied;
    const name = `${sub} ${control} ${resource} ${reasonCode}`;
    if (this.#stopped || this.#known.wasSeen(name)) return;
    if (this.#waiting.length >= MOST_WAITING) {
      if (this.#lost === 0) this.options.log.error({}, 'too many denials wait to be reported; more are lost');
      // Not remembered: what was not reported is reported when it is tried once more and there is room.
      this.#lost += 1;
      return;
    }
    // What cannot be remembered is reported all the same. To be told twice does no harm.
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

  /** Yields whether it need not be tried again. */
  async #carry(draft: DenialDraft): Promise<boolean> {
    const { client, reporter, key, nowMs, log } = this.options;
    try {
      const verdict = await client.reportDenial(await signDenialReport(draft, reporter, key, nowMs()));
      if (!verdict.ok) log.error({ code: verdict.refusal.code }, 'a denial report was refused');
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
