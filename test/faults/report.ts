import type { FaultsReport } from './run';

interface Spread {
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
  readonly count: number;
}

/** The JSON report: counts of broken promises, each with the lines that name them. */
export function toJson(report: FaultsReport) {
  const { target, lost, unreplayable } = report;
  const { timer, reconciler } = target.lagsMs;
  return {
    seed: report.seed,
    lives: report.lives,
    granted: report.granted,
    over_before_given: target.ranOut.size,
    looks_at_target: report.seen.looks,
    seen_with_access: report.seen.leased,
    faults: report.faults,
    unauthorised_grants: target.unauthorised.length,
    double_grants: target.double.length,
    late_grants: target.late.length,
    lost_requests: lost.length,
    unreplayable_histories: unreplayable.length,
    replayed_histories: report.replayed,
    expiry_lag_ms: spreadOf([...timer, ...reconciler]),
    expiry_lag_by_timer_ms: spreadOf(timer),
    expiry_lag_by_reconciler_ms: spreadOf(reconciler),
    seconds: report.seconds,
    complaints: complaintsOf(report),
  };
}

/** Returns true if every promise was kept. */
export const keptEveryPromise = (report: FaultsReport): boolean => complaintsOf(report).length === 0;

const complaintsOf = ({ target, lost, unreplayable }: FaultsReport): readonly string[] => [
  ...target.unauthorised,
  ...target.double,
  ...target.late,
  ...lost,
  ...unreplayable,
];

/** The report for people. */
export function printReport(report: FaultsReport): void {
  const json = toJson(report);
  const spread = ({ p50, p99, max, count }: Spread) =>
    count === 0 ? 'none' : `p50 ${p50}, p99 ${p99}, max ${max} (${count})`;
  const lines = [
    `seed ${json.seed}: ${json.lives} lives, ${json.granted} granted, ${json.over_before_given} over before the target could be changed, ${json.seconds} s`,
    `the target was asked ${json.looks_at_target} times, and showed ${json.seen_with_access} with access by a lease`,
    ...Object.entries(json.faults).map(([name, count]) => `  ${name.padEnd(22)}${String(count).padStart(5)}`),
    `unauthorised grants     ${json.unauthorised_grants}`,
    `grants made twice       ${json.double_grants}`,
    `grants past their end   ${json.late_grants}`,
    `requests lost           ${json.lost_requests}`,
    `histories not replaying ${json.unreplayable_histories} of ${json.replayed_histories}`,
    `lag by timer, ms        ${spread(json.expiry_lag_by_timer_ms)}`,
    `lag by reconciler, ms   ${spread(json.expiry_lag_by_reconciler_ms)}`,
    ...json.complaints.map((one) => `- ${one}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => {
    const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    return value === undefined ? null : Math.round(value);
  };
  return { p50: at(0.5), p99: at(0.99), max: at(1), count: sorted.length };
}
