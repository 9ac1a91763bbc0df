import { setTimeout as sleep } from 'node:timers/promises';
import type { Ground, WorkerName } from './ground';
import type { TargetProxy, Weather } from './proxy';
import { Random } from './random';

/** Faults that affect every request, with their weights. */
const FAULTS = {
  'worker-killed': 30,
  'both-workers-killed': 8,
  'worker-restarted': 6,
  'server-killed': 10,
  'target-down': 10,
  'target-slow': 8,
  'target-mute': 6,
  'target-half': 14,
  'target-killed': 8,
};
type Fault = keyof typeof FAULTS;

const WORKER_NAMES: readonly WorkerName[] = ['a', 'b'];

/** Causes one fault after the other while lives run, drawn from the seed. */
export class Storm {
  readonly counts: Record<string, number> = {};
  readonly #random: Random;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(
    private readonly ground: Ground,
    seed: number,
  ) {
    this.#random = new Random(seed, 'storm');
    this.#running = this.#rage();
  }

  /** Ends the storm and restores everything. */
  async calm(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    for (const proxy of this.#proxies) proxy.turn('fair');
    await this.raiseWorkers();
  }

  async raiseWorkers(): Promise<void> {
    for (const name of WORKER_NAMES) if (!this.ground.isRunning(name)) await this.ground.startWorker(name);
  }

  async #rage(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#pause(this.#random.between(800, 2_500));
      if (this.#stopping.signal.aborted) return;
      const fault = this.#random.weighted(FAULTS);
      this.counts[fault] = (this.counts[fault] ?? 0) + 1;
      await this.#strike(fault);
    }
  }

  async #strike(fault: Fault): Promise<void> {
    const { ground } = this;
    const random = this.#random;
    switch (fault) {
      case 'worker-killed': {
        const name = random.pick(WORKER_NAMES);
        await ground.killWorker(name);
        await sleep(random.between(0, 1_500));
        return ground.startWorker(name);
      }
      case 'both-workers-killed':
        await Promise.all(WORKER_NAMES.map((name) => ground.killWorker(name)));
        await sleep(random.between(500, 3_000));
        return this.raiseWorkers();
      case 'worker-restarted': {
        const name = random.pick(WORKER_NAMES);
        await ground.stopWorker(name);
        return ground.startWorker(name);
      }
      case 'server-killed':
        await ground.server.kill();
        await sleep(random.between(0, 1_500));
        await ground.server.restart();
        // A worker exits if the server stays down; its supervisor starts it again.
        return this.raiseWorkers();
      case 'target-down':
        return this.#weather('down', random.between(1_000, 5_000));
      case 'target-slow':
        return this.#weather('slow', random.between(1_000, 4_000));
      case 'target-mute':
        return this.#weather('mute', random.between(1_000, 4_000));
      case 'target-half':
        return this.#weather('half', random.between(1_000, 3_000));
      case 'target-killed':
        await this.#killTarget(random.pick([true, false]));
    }
  }

  async #weather(weather: Weather, forMs: number): Promise<void> {
    const proxy = this.#random.pick(this.#proxies);
    proxy.turn(weather);
    await this.#pause(forMs);
    proxy.turn('fair');
  }

  /** The target and the database of the lease book, which can be one. */
  get #proxies(): readonly TargetProxy[] {
    const { proxy, bookProxy } = this.ground;
    return proxy === bookProxy ? [proxy] : [proxy, bookProxy];
  }

  /** @param isBeside kills the target if it lies beside the leases and keeps what it knows; else, the database of the leases */
  async #killTarget(isBeside: boolean): Promise<void> {
    const { target, postgres } = this.ground;
    const database = { halt: async () => postgres.halt(), restart: async () => postgres.restart() };
    const { halt, restart } = (isBeside ? target.outage : undefined) ?? database;
    await halt();
    await sleep(this.#random.between(0, 1_500));
    await restart();
  }

  #pause(ms: number): Promise<unknown> {
    return sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }
}
