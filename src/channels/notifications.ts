import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../contracts/logger';
import type { PushSubscriptions } from '../push/subscriptions';
import { Looker, type LookerOptions, type WaitingRow } from './look';
import type { Notice, NotificationCounts } from './notice';
import type { NotifySetup } from './read-notify-file';
import { Sender } from './sender';
import { NotifySource } from './source';
import type { NoticeStore } from './store';

export interface NotificationsOptions extends Omit<LookerOptions, 'nowMs'> {
  readonly file: string;
  readonly store: NoticeStore;
  /** Who subscribed in a browser, for a channel that pushes. */
  readonly subscriptions?: PushSubscriptions;
  readonly intervalMs: number;
  /** For how long a message that is being sent is nobody else's. */
  readonly claimMs?: number;
  readonly nowMs?: () => number;
  readonly logger: Logger;
}

export interface Notifications {
  readonly counts: Readonly<NotificationCounts>;
  /** Stops after the deliveries in progress, or after four seconds. */
  stop(): Promise<void>;
}

/** How many requests are looked at at a time, and how long one pass looks. The next pass goes on with the others. */
const LOOKS_AT_A_TIME = 8;
const LOOK_WITHIN_MS = 10_000;
const LOOK_AGAIN_MS = 10_000;
const CLAIM_MS = 60_000;
const STOP_WITHIN_MS = 4_000;
const TIDY_EVERY_MS = 3_600_000;

/**
 * Notifies people of what awaits them. It runs beside a worker on its own clock and no workflow waits for it. It records in the
 * ledger's database what it sent, and retries failures. Several may run at once.
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
      // A slow receiver must not hold up a stopping worker. Another one sends claimed messages later.
      await Promise.race([running, sleep(STOP_WITHIN_MS, undefined, { ref: false })]);
      round.close();
      logger.info({ counts: round.counts }, 'notifications stopped');
    },
  };
}

/** The version of a waiting request that was looked at, and when to look again at the latest. */
interface Seen {
  readonly version: string;
  readonly lookAtMs: number;
}

/** One of each requester, then the next of each, so that nobody's requests wait behind all of another's. */
function inTurns(rows: readonly WaitingRow[]): WaitingRow[] {
  const turns = new Map<string, number>();
  const turnOf = ({ by }: WaitingRow): number => {
    const turn = turns.get(by) ?? 0;
    turns.set(by, turn + 1);
    return turn;
  };
  return rows
    .map((row) => ({ row, turn: turnOf(row) }))
    .toSorted((a, b) => a.turn - b.turn)
    .map(({ row }) => row);
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
    this.#source = new NotifySource(file, logger, options.subscriptions);
    this.#sender = new Sender({ looker: this.#looker, store, logger, nowMs, claimMs, counts: this.counts });
  }

  /** Looks, gathers messages, and sends. The next pass retries what fails; a failure does not stop the rest. */
  async pass(signal: AbortSignal): Promise<void> {
    const { store, intervalMs, authority } = this.options;
    this.counts.passes += 1;
    try {
      const { people } = await authority();
      const configured = this.#source.current((id) => people.standingOf(id, this.#nowMs()) !== undefined);
      if (configured === undefined) return;
      const setup = await this.#withSubscribers(configured);
      // A little less than the pause, so that the same worker can lead again at its next pass.
      if (await store.lead(this.#nowMs(), Math.floor(0.8 * intervalMs)))
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

  /** Adds everyone who subscribed in a browser, where there is a channel that pushes. */
  async #withSubscribers(setup: NotifySetup): Promise<NotifySetup> {
    const { subscriptions } = this.options;
    const [channel] = Object.entries(setup.config.channels).flatMap(([name, { kind }]) =>
      kind === 'push' ? [name] : [],
    );
    if (channel === undefined || subscriptions === undefined) return setup;
    const people = { ...setup.config.people };
    for (const person of await subscriptions.people())
      people[person] = [...(people[person] ?? []), { channel }];
    return { ...setup, config: { ...setup.config, people } };
  }

  #failed(error: unknown): void {
    this.counts.failures += 1;
    const reason = error instanceof Error ? error.message : 'unknown';
    this.options.logger.warn(
      { reason },
      'notifications could not be prepared; trying again at the next pass',
    );
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
    const lookedAtMs = ({ id }: WaitingRow) => this.#seen.get(id)?.lookAtMs ?? 0;
    const queue = inTurns(due.toSorted((a, b) => lookedAtMs(a) - lookedAtMs(b)));
    const isOver = () => signal.aborted || this.#nowMs() >= startedAtMs + LOOK_WITHIN_MS;
    const lookOn = async () => {
      for (let row = queue.shift(); row !== undefined && !isOver(); row = queue.shift()) {
        this.counts.looks += 1;
        const { id, version } = row;
        const prompts = await this.#looker.prompts(id, pace).catch(() => undefined);
        // A request that does not answer must not hold up the others.
        const lookAtMs = prompts?.changesAtMs ?? this.#nowMs() + LOOK_AGAIN_MS;
        this.#seen.set(id, { version, lookAtMs });
        await this.#note(setup, prompts?.notices ?? []);
      }
    };
    await Promise.all(Array.from({ length: LOOKS_AT_A_TIME }, lookOn));
  }

  /** Records notices for people who have a channel. */
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
