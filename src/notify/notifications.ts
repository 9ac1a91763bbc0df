import { setTimeout as sleep } from 'node:timers/promises';
import { Looker, type LookerOptions } from './look';
import type { Notice } from './notice';
import type { NotifySetup } from './read-notify-file';
import { Sender } from './sender';
import { type NotifyLog, NotifySource } from './source';
import type { NoticeStore } from './store';

export interface NotificationsOptions extends Omit<LookerOptions, 'nowMs'> {
  readonly file: string;
  readonly store: NoticeStore;
  readonly intervalMs: number;
  /** For how long a message that is being sent is nobody else's. */
  readonly claimMs?: number;
  readonly nowMs?: () => number;
  readonly logger: NotifyLog;
}

export interface NotificationCounts {
  passes: number;
  failures: number;
  looks: number;
  messages: number;
  sent: number;
  void: number;
  putOff: number;
  givenUp: number;
}

export interface Notifications {
  readonly counts: Readonly<NotificationCounts>;
  /** Ends after what is under way, or after a few seconds. */
  stop(): Promise<void>;
}

/** Requests that are looked at in one pass, and at a time. The others have their turn at the next. */
const LOOKS = 200;
const LOOKS_AT_A_TIME = 4;
const LOOK_AGAIN_MS = 10_000;
const CLAIM_MS = 60_000;
const STOP_WITHIN_MS = 4_000;
const TIDY_EVERY_MS = 3_600_000;

/**
 * Tells people what awaits them, beside a worker and on its own clock. No workflow waits for it or hears of it: it reads
 * what is there, keeps in the ledger's database what it told, and tries again where it cannot. Several may run.
 */
export function startNotifications(options: NotificationsOptions): Notifications {
  const { intervalMs, logger } = options;
  const round = new Round(options);
  const stopping = new AbortController();
  const loop = async () => {
    while (!stopping.signal.aborted) {
      await round.pass(stopping.signal);
      await sleep(intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = loop();
  logger.info({ intervalMs }, 'notifications started');
  return {
    counts: round.counts,
    stop: async () => {
      stopping.abort();
      // Somebody's slow answer does not hold a worker that is told to stop: what is claimed is sent by the next.
      await Promise.race([running, sleep(STOP_WITHIN_MS, undefined, { ref: false })]);
      round.close();
      logger.info({ counts: round.counts }, 'notifications stopped');
    },
  };
}

/** What was seen of a waiting request, and when it has to be looked at again at the latest. */
interface Seen {
  readonly version: string;
  readonly lookAtMs: number;
}

class Round {
  readonly counts: NotificationCounts = {
    passes: 0,
    failures: 0,
    looks: 0,
    messages: 0,
    sent: 0,
    void: 0,
    putOff: 0,
    givenUp: 0,
  };
  readonly #looker: Looker;
  readonly #sender: Sender;
  readonly #source: NotifySource;
  readonly #nowMs: () => number;
  #seen = new Map<string, Seen>();
  #tidiedAtMs = 0;

  constructor(private readonly options: NotificationsOptions) {
    const { file, store, logger, nowMs = Date.now, claimMs = CLAIM_MS } = options;
    this.#nowMs = nowMs;
    this.#looker = new Looker({ ...options, nowMs });
    this.#source = new NotifySource(file, logger);
    this.#sender = new Sender({ looker: this.#looker, store, logger, nowMs, claimMs, counts: this.counts });
  }

  /** Looks, puts messages together, and sends. What fails is tried again at the next pass, and keeps nothing else. */
  async pass(signal: AbortSignal): Promise<void> {
    const { store, intervalMs, authority } = this.options;
    this.counts.passes += 1;
    try {
      const { people } = await authority();
      const setup = this.#source.current((id) => people.standingOf(id, this.#nowMs()) !== undefined);
      if (setup === undefined) return;
      // A little less than the pause, so that the one who has looked is the one whose turn it is again.
      if (await store.takeTurn(this.#nowMs(), Math.floor(0.8 * intervalMs)))
        await this.#look(setup, signal).catch((error: unknown) => this.#failed(error));
      const { digestWithin, perPersonAndHour, perHour } = setup.config.pace;
      this.counts.messages += await store.gather({
        nowMs: this.#nowMs(),
        digestWithinMs: digestWithin,
        perPersonAndHour,
        perHour,
        channelsOf: (person) => setup.config.people[person]?.map((route) => route.channel) ?? [],
      });
      await this.#sender.sendAll(setup, signal);
      await this.#tidy();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.counts.failures += 1;
    const reason = error instanceof Error ? error.message : 'unknown';
    this.options.logger.warn({ reason }, 'what there is to tell could not be looked at; it is tried again');
  }

  close(): void {
    this.#source.close();
  }

  async #look(setup: NotifySetup, signal: AbortSignal): Promise<void> {
    const { pace } = setup.config;
    await this.#note(setup, await this.#looker.records(pace));
    const rows = await this.#looker.waiting();
    const listed = new Set(rows.map((row) => row.id));
    this.#seen = new Map([...this.#seen].filter(([id]) => listed.has(id)));
    const startedAtMs = this.#nowMs();
    const due = rows.filter(({ id, version }) => {
      const seen = this.#seen.get(id);
      return seen === undefined || seen.version !== version || seen.lookAtMs <= startedAtMs;
    });
    const queue = due.slice(0, LOOKS);
    const lookOn = async () => {
      for (let row = queue.shift(); row !== undefined && !signal.aborted; row = queue.shift()) {
        this.counts.looks += 1;
        const { id, version } = row;
        const turns = await this.#looker.turns(id, pace).catch(() => undefined);
        // One that does not answer keeps nobody else from being told.
        const lookAtMs = turns?.changesAtMs ?? this.#nowMs() + LOOK_AGAIN_MS;
        this.#seen.set(id, { version, lookAtMs });
        await this.#note(setup, turns?.notices ?? []);
      }
    };
    await Promise.all(Array.from({ length: LOOKS_AT_A_TIME }, lookOn));
  }

  /** Only those who want to be told somewhere are kept in mind at all. */
  #note({ config }: NotifySetup, notices: readonly Notice[]): Promise<void> {
    const tellable = notices.filter(({ person }) => config.people[person] !== undefined);
    return this.options.store.note(tellable, this.#nowMs());
  }

  async #tidy(): Promise<void> {
    const nowMs = this.#nowMs();
    if (nowMs - this.#tidiedAtMs < TIDY_EVERY_MS) return;
    this.#tidiedAtMs = nowMs;
    await this.options.store.tidy(nowMs);
  }
}
