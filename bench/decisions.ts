import { toStderr } from '../src/stack/announce';
import { arrivals, seeded, shuffled } from './arrivals';
import { nowMs } from './clock';
import type { Ground, Standing } from './ground';
import { type Use, useOf } from './machine';
import { openLoop } from './open-loop';
import { saturate } from './saturation';
import type { SideName } from './side';
import { quantile, sorted } from './stats';
import { waiting } from './waiting';
import type { WorkerProcess } from './worker-process';

export interface Plan {
  readonly rounds: number;
  /** Decisions a second, from the quietest to more than a side can serve. Empty: no decisions are measured. */
  readonly rates: readonly number[];
  /** How long decisions arrive in each turn. */
  readonly seconds: number;
  /** Whole requests in each turn, for the rate at saturation. Zero: none. */
  readonly requests: number;
  readonly senders: number;
  readonly seed: number;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  /** By how much the sender itself was late, p99. It counts in the latencies. */
  readonly senderLateP99: number;
  /** From when the last decision was due to the last grant. */
  readonly drainMs: number;
}

/** What one side did in one turn: at one rate of decisions, or at saturation. */
export interface Turn {
  readonly side: SideName;
  readonly round: number;
  /** Decisions a second that were due; `saturation` for whole requests as fast as they go. */
  readonly load: number | 'saturation';
  readonly grants: number;
  /** Grants a second: from the first decision that was due, or the first start, to the last grant. */
  readonly perSecond: number;
  /** From when decisions were due; absent at saturation, where they would depend on the number of senders. */
  readonly latency?: Latency;
  /** Processor time for each grant, by process. */
  readonly cpuMs: { readonly client: number; readonly worker: number; readonly server: number };
  /** Share of the time of our processes in which a thread was ready and waited for a core. */
  readonly waitedShare: number;
}

const WARM_UP_REQUESTS = 150;

/** Has all sides take turns on one server, in a new random order in each round, so that other work on the machine affects all. */
export function takeTurns(
  ground: Ground,
  standings: readonly Standing[],
  plan: Plan,
): Promise<readonly Turn[]> {
  const random = seeded(plan.seed);
  return ground.withWorkers(standings, async (workers) => {
    const pairs = standings.map((standing, index) => ({ standing, worker: workers[index] }));
    const turns: Turn[] = [];
    for (let round = 0; round <= plan.rounds; round += 1)
      for (const { standing, worker } of shuffled(pairs, random)) {
        if (worker === undefined) continue;
        toStderr(
          `${round === 0 ? 'warming up' : `round ${round} of ${plan.rounds}`}: ${standing.side.title}`,
        );
        const turn = new TurnOf(ground, standing, worker, random);
        if (round === 0) await turn.saturation(0, { ...plan, requests: WARM_UP_REQUESTS });
        else {
          for (const rate of plan.rates) turns.push(await turn.decisions(round, rate, plan.seconds));
          if (plan.requests > 0) turns.push(await turn.saturation(round, plan));
        }
      }
    return turns;
  });
}

class TurnOf {
  constructor(
    private readonly ground: Ground,
    private readonly standing: Standing,
    private readonly worker: WorkerProcess,
    private readonly random: () => number,
  ) {}

  async decisions(round: number, rate: number, seconds: number): Promise<Turn> {
    const { client } = this.ground;
    const lives = await waiting(this.standing.side, client, Math.max(1, Math.round(rate * seconds)));
    const dueMs = arrivals(rate, lives.length, this.random);
    const { result, use } = await this.#used(lives.length, () =>
      openLoop(lives, dueMs, { client, worker: this.worker }),
    );
    const latencies = sorted(result.samples.map(({ latencyMs }) => latencyMs));
    const spanMs = (dueMs.at(-1) ?? 0) + Math.max(0, result.drainMs);
    return {
      ...{ side: this.standing.side.name, round, load: rate, grants: lives.length },
      perSecond: (lives.length * 1_000) / spanMs,
      latency: {
        p50: quantile(latencies, 0.5),
        p99: quantile(latencies, 0.99),
        senderLateP99: quantile(sorted(result.samples.map(({ lateMs }) => lateMs)), 0.99),
        drainMs: result.drainMs,
      },
      ...use,
    };
  }

  async saturation(round: number, { requests, senders }: Plan): Promise<Turn> {
    const lives = await this.standing.side.prepare(requests);
    const { client } = this.ground;
    const { result, use } = await this.#used(requests, () =>
      saturate(lives, senders, this.random, { client, worker: this.worker }),
    );
    return {
      ...{ side: this.standing.side.name, round, load: 'saturation', grants: requests },
      perSecond: result,
      ...use,
    };
  }

  async #used<T>(grants: number, work: () => Promise<T>) {
    const uses = () => [useOf(process.pid), this.worker.use(), useOf(this.ground.server.pid)] as const;
    const [before, beganMs] = [uses(), nowMs()];
    const result = await work();
    const [after, tookMs] = [uses(), nowMs() - beganMs];
    const [client, worker, server] = after.map((use, index) => used(use, before[index]));
    const waitedMs = [client, worker, server].reduce((sum, one) => sum + (one?.waitedMs ?? 0), 0);
    const perGrant = (one: Use | undefined) => (one?.cpuMs ?? 0) / grants;
    const cpuMs = { client: perGrant(client), worker: perGrant(worker), server: perGrant(server) };
    return { result, use: { cpuMs, waitedShare: waitedMs / tookMs } };
  }
}

const used = (after: Use, before: Use | undefined): Use => ({
  cpuMs: after.cpuMs - (before?.cpuMs ?? 0),
  waitedMs: after.waitedMs - (before?.waitedMs ?? 0),
});
