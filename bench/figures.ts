import type { Latency, Plan, Turn } from './decisions';
import type { SideName } from './side';
import { median, type Spread, spreadOf } from './stats';

/** One side at one load: medians over the rounds, each with the lowest and the highest round. */
export interface Row {
  readonly side: SideName;
  readonly load: Turn['load'];
  readonly per_second: Spread;
  readonly cpu_ms_per_grant: Spread;
  readonly cpu_ms_of_worker: number;
  readonly cpu_ms_of_server: number;
  readonly waited_share: number;
  readonly latency?: {
    readonly p50_ms: Spread;
    readonly p99_ms: Spread;
    readonly sender_late_p99_ms: number;
    /** Grants did not keep up: the last one came long after the last decision was due, so latencies measure a queue. */
    readonly fell_behind: boolean;
  };
  /** Our figure by the bare workflow's of the same round. */
  readonly to_bare?: { readonly p50: Spread; readonly p99: Spread } | { readonly per_second: Spread };
}

/** Memory, size and the length of a history. They do not depend on how busy the machine is. */
export interface Sizes {
  readonly heap_kb_per_waiting_request: number;
  readonly bare_heap_kb_per_waiting_request: number;
  readonly events_per_request: number;
  readonly bundle_kb: number;
  readonly bare_bundle_kb: number;
  readonly ratio_creation: number;
  readonly creation_ms: number;
  readonly bare_creation_ms: number;
}

export interface Figures extends Partial<Sizes> {
  readonly rounds: number;
  readonly requests: number;
  readonly in_flight: number;
  readonly seed: number;
  /** Other work on the machine delayed ours, so the times say little. */
  readonly too_busy: boolean;
  readonly load_average: number;
  readonly ratio_decision_to_grant_p50?: number | undefined;
  readonly ratio_end_to_end_rate?: number | undefined;
  readonly decision_to_grant_p50_ms?: number | undefined;
  readonly bare_decision_to_grant_p50_ms?: number | undefined;
  readonly decision_to_grant_p99_ms?: number | undefined;
  readonly bare_decision_to_grant_p99_ms?: number | undefined;
  readonly end_to_end_per_second?: number | undefined;
  readonly bare_end_to_end_per_second?: number | undefined;
  readonly postgresql_decision_to_grant_p50_ms?: number | undefined;
  readonly postgresql_end_to_end_per_second?: number | undefined;
  readonly ratio_postgresql_end_to_end_rate?: number | undefined;
  readonly rows: readonly Row[];
}

/** A side keeps up if the last grant comes this soon after the last decision was due. */
const KEEPS_UP_MS = 1_000;
/**
 * At the quietest rate our own threads seldom wait for each other, so if together they wait for longer than this share of the time,
 * others had the cores.
 */
const QUIET_SHARE = 0.2;

export function assemble(turns: readonly Turn[], plan: Plan, sizes: Partial<Sizes>, load: number): Figures {
  const rows = rowsOf(turns);
  const quietest = plan.rates[0];
  const at = (side: SideName, where: Turn['load'] | undefined) =>
    rows.find((row) => row.side === side && row.load === where);
  const ours = at('countersign', quietest);
  const bare = at('bare', quietest);
  const toBare = ours?.to_bare;
  const full = (side: SideName) => at(side, 'saturation');
  const fullRatio = (side: SideName) => {
    const ratio = full(side)?.to_bare;
    return ratio && 'per_second' in ratio ? ratio.per_second.median : undefined;
  };
  return {
    ...{ rounds: plan.rounds, requests: plan.requests, in_flight: plan.senders, seed: plan.seed },
    too_busy: isTooBusy(turns, quietest),
    load_average: load,
    ratio_decision_to_grant_p50: toBare && 'p50' in toBare ? toBare.p50.median : undefined,
    ratio_end_to_end_rate: fullRatio('countersign'),
    decision_to_grant_p50_ms: ours?.latency?.p50_ms.median,
    bare_decision_to_grant_p50_ms: bare?.latency?.p50_ms.median,
    decision_to_grant_p99_ms: ours?.latency?.p99_ms.median,
    bare_decision_to_grant_p99_ms: bare?.latency?.p99_ms.median,
    end_to_end_per_second: full('countersign')?.per_second.median,
    bare_end_to_end_per_second: full('bare')?.per_second.median,
    postgresql_decision_to_grant_p50_ms: at('countersign_postgresql', quietest)?.latency?.p50_ms.median,
    postgresql_end_to_end_per_second: full('countersign_postgresql')?.per_second.median,
    ratio_postgresql_end_to_end_rate: fullRatio('countersign_postgresql'),
    ...sizes,
    rows,
  };
}

function rowsOf(turns: readonly Turn[]): readonly Row[] {
  const groups = new Map<string, Turn[]>();
  for (const turn of turns) {
    const key = `${turn.load} ${turn.side}`;
    groups.set(key, [...(groups.get(key) ?? []), turn]);
  }
  const bareOf = new Map(
    turns.filter(({ side }) => side === 'bare').map((turn) => [`${turn.load} ${turn.round}`, turn]),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined
      ? []
      : [rowOf(first, group, (turn) => bareOf.get(`${turn.load} ${turn.round}`))];
  });
}

function rowOf({ side, load }: Turn, turns: readonly Turn[], bareOf: (turn: Turn) => Turn | undefined): Row {
  const spread = (of: (turn: Turn) => number | undefined) =>
    spreadOf(turns.flatMap((turn) => of(turn) ?? []));
  const toBare = (of: (turn: Turn) => number | undefined) =>
    spread((turn) => {
      const bare = bareOf(turn);
      const [mine, floor] = [of(turn), bare && of(bare)];
      return mine === undefined || floor === undefined ? undefined : mine / floor;
    });
  const p50 = (turn: Turn) => turn.latency?.p50;
  const p99 = (turn: Turn) => turn.latency?.p99;
  const latencies: readonly Latency[] = turns.flatMap(({ latency }) => latency ?? []);
  const isAlone = side === 'bare' || turns.every((turn) => bareOf(turn) === undefined);
  const ratio =
    latencies.length > 0
      ? { p50: toBare(p50), p99: toBare(p99) }
      : { per_second: toBare(({ perSecond }) => perSecond) };
  return {
    ...{ side, load },
    per_second: spread(({ perSecond }) => perSecond),
    cpu_ms_per_grant: spread(({ cpuMs }) => cpuMs.client + cpuMs.worker + cpuMs.server),
    cpu_ms_of_worker: median(turns.map(({ cpuMs }) => cpuMs.worker)),
    cpu_ms_of_server: median(turns.map(({ cpuMs }) => cpuMs.server)),
    waited_share: median(turns.map(({ waitedShare }) => waitedShare)),
    ...(latencies.length > 0 && {
      latency: {
        p50_ms: spread(p50),
        p99_ms: spread(p99),
        sender_late_p99_ms: median(latencies.map(({ senderLateP99 }) => senderLateP99)),
        fell_behind: median(latencies.map(({ drainMs }) => drainMs)) > KEEPS_UP_MS,
      },
    }),
    ...(!isAlone && { to_bare: ratio }),
  };
}

/** Only turns at the quietest rate can tell: at saturation our own threads wait for each other. */
const isTooBusy = (turns: readonly Turn[], quietest: number | undefined): boolean =>
  median(turns.filter(({ load }) => load === quietest).map(({ waitedShare }) => waitedShare)) > QUIET_SHARE;
