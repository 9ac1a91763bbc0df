import type { RequestRow } from '../client';
import { type Finding, findingsOf } from '../friction/signals';
import { surroundingsOf } from '../friction/surroundings';
import { type FrictionFigures, FrictionTally, readTimeline } from '../friction/tally';
import type { Timeline } from '../friction/timeline';
import type { Gateway } from '../gateway/gateway';
import { carrying } from '../gateway/requests/carrying';
import { BoundedMap } from '../signing/seen';

const SPAN_MS = 30 * 86_400_000;
/** Requests that one count verifies at most, the newest first, how many at once, and for how long. */
const MOST_REQUESTS = 1_000;
const AT_ONCE = 4;
const COUNT_WITHIN_MS = 60_000;
/** How long a count is shown before the next one is begun. */
const COUNT_AGAIN_MS = 5 * 60_000;
/** How long a page waits for the first count. */
const WAIT_MS = 2_000;

/** A request that does not answer must not hold up a gateway that stops. */
const CLOSE_WITHIN_MS = 3_000;

/** What has ended changes no more, so it is read once. */
const ENDED = new Set(['closed', 'denied', 'refused', 'hard_stopped', 'cancelled', 'withdrawn', 'lapsed']);

export interface FrictionCounted {
  readonly figures: FrictionFigures;
  readonly findings: readonly Finding[];
  readonly fromMs: number;
  readonly toMs: number;
  /** Requests that the server lists and that are not in the figures, because nothing proves them. */
  readonly left: number;
  /** False if there are more requests in the span than one count reads. */
  readonly isWhole: boolean;
}

/**
 * Counts what requests cost, from requests that verify, for a page that many may open: one count at a time, none sooner than
 * five minutes after the last, and never more than the newest thousand requests.
 */
export class FrictionCount {
  readonly #timelines = new BoundedMap<Timeline>(2 * MOST_REQUESTS);
  #last: FrictionCounted | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(private readonly gateway: Gateway) {}

  /** When the last count was finished; 0 before the first. */
  get countedAtMs(): number {
    return this.#last?.toMs ?? 0;
  }

  get isCounting(): boolean {
    return this.#running !== undefined;
  }

  /** Returns the last count, and begins the next one if it is old. Returns undefined while the first one goes on. */
  async latest(): Promise<FrictionCounted | undefined> {
    if (this.gateway.nowMs() - this.countedAtMs >= COUNT_AGAIN_MS) this.#begin();
    if (this.#last === undefined && this.#running !== undefined)
      await Promise.race([this.#running, after(WAIT_MS)]);
    return this.#last;
  }

  /** Ends the count that goes on. It is lost. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.race([this.#running?.catch(() => undefined), after(CLOSE_WITHIN_MS)]);
  }

  #begin(): void {
    if (this.#isClosed) return;
    this.#running ??= this.#count()
      .then((counted) => {
        this.#last = counted;
      })
      .finally(() => {
        this.#running = undefined;
      });
    // Who waits for it learns of a failure; nobody has to wait.
    this.#running.catch((error) =>
      this.gateway.log.warn({ error: String(error) }, 'friction was not counted'),
    );
  }

  async #count(): Promise<FrictionCounted> {
    const { bundles, client, nowMs } = this.gateway;
    const [toMs, bundle] = [nowMs(), await bundles.current()];
    const fromMs = toMs - SPAN_MS;
    const { teamsOf, entitlements } = surroundingsOf(bundle, toMs);
    const listed = await carrying(() => client.list({ fromMs, limit: MOST_REQUESTS }));
    const tally = new FrictionTally({ fromMs, teamsOf });
    const counted = await this.#addTo(tally, listed);
    const figures = tally.figures();
    const isWhole = listed.length < MOST_REQUESTS;
    const firstAtMs = tally.firstAtMs ?? toMs;
    const spanMs = toMs - Math.max(fromMs, firstAtMs);
    const findings = findingsOf({ tally, figures, surroundings: { entitlements }, spanMs });
    const left = listed.length - counted;
    return { figures, findings, fromMs: isWhole ? fromMs : firstAtMs, toMs, left, isWhole };
  }

  /** Adds what verifies, a few at once. Returns how many were added. */
  async #addTo(tally: FrictionTally, listed: readonly RequestRow[]): Promise<number> {
    const untilMs = Date.now() + COUNT_WITHIN_MS;
    const isOn = () => Date.now() < untilMs && !this.#isClosed;
    const queue = [...listed];
    let added = 0;
    const work = async () => {
      for (let row = queue.shift(); row !== undefined && isOn(); row = queue.shift()) {
        const timeline = await this.#timelineOf(row);
        // Others are served in between.
        await new Promise(setImmediate);
        if (timeline === undefined) continue;
        tally.addTimeline(timeline);
        added += 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return added;
  }

  async #timelineOf(row: RequestRow): Promise<Timeline | undefined> {
    const key = `${row.id} ${row.runId}`;
    const known = this.#timelines.get(key);
    if (known !== undefined) return known;
    const proved = await this.gateway.verified.ofRow(row);
    const timeline = proved && readTimeline(proved.events);
    if (timeline !== undefined && ENDED.has(proved?.view.status ?? '')) this.#timelines.set(key, timeline);
    return timeline;
  }
}

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref());
