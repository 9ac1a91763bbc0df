import { type MetricsSink, OTHER } from './catalogue';

/** Longer than the longest pause between two tries with the time that one may take: who is silent so long is done. */
const FORGOTTEN_AFTER_MS = 180_000;
const MOST_LEASES = 10_000;
const SAID_EVERY_MS = 30_000;

interface Failing {
  readonly connector: string;
  readonly sinceMs: number;
  lastMs: number;
}

/**
 * Leases that this worker could not end and that are tried again. Another worker may have the next try, so one of which
 * nothing is heard any more is forgotten.
 */
export class FailingEnds {
  readonly #failing = new Map<string, Failing>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly metrics: MetricsSink,
    private readonly connectors: readonly string[],
    private readonly nowMs: () => number,
  ) {}

  failed(leaseId: string, connector: string, sinceMs: number): void {
    const known = this.#failing.get(leaseId);
    if (known === undefined && this.#failing.size >= MOST_LEASES) return;
    this.#failing.set(leaseId, {
      connector: this.connectors.includes(connector) ? connector : OTHER,
      sinceMs: Math.min(sinceMs, known?.sinceMs ?? sinceMs),
      lastMs: this.nowMs(),
    });
    this.#report();
  }

  done(leaseId: string): void {
    if (this.#failing.delete(leaseId)) this.#report();
  }

  /** Says how many there are now, and again while there are any: they grow older, and some are forgotten. */
  #report(): void {
    clearTimeout(this.#timer);
    const nowMs = this.nowMs();
    const count = new Map<string, number>();
    const oldestMs = new Map<string, number>();
    for (const [leaseId, { connector, sinceMs, lastMs }] of this.#failing) {
      if (nowMs - lastMs > FORGOTTEN_AFTER_MS) {
        this.#failing.delete(leaseId);
        continue;
      }
      count.set(connector, (count.get(connector) ?? 0) + 1);
      oldestMs.set(connector, Math.max(oldestMs.get(connector) ?? 0, nowMs - sinceMs));
    }
    for (const connector of [...this.connectors, OTHER]) {
      const labels = { connector };
      this.metrics.record('countersign_revocations_failing', count.get(connector) ?? 0, labels);
      const seconds = (oldestMs.get(connector) ?? 0) / 1_000;
      this.metrics.record('countersign_revocation_failing_seconds', seconds, labels);
    }
    if (this.#failing.size > 0) this.#timer = setTimeout(() => this.#report(), SAID_EVERY_MS).unref();
  }
}
