export interface Figures {
  readonly requests: number;
  readonly in_flight: number;
  readonly rounds: number;
  readonly ratio_end_to_end_rate: number;
  readonly ratio_decision_to_grant_p50: number;
  readonly heap_kb_per_waiting_request: number;
  readonly events_per_request: number;
  readonly bundle_kb: number;
  readonly ratio_creation: number;
  readonly end_to_end_per_second: number;
  readonly bare_end_to_end_per_second: number;
  readonly decision_to_grant_p50_ms: number;
  readonly bare_decision_to_grant_p50_ms: number;
  readonly decision_to_grant_p99_ms: number;
  readonly bare_decision_to_grant_p99_ms: number;
  readonly bare_heap_kb_per_waiting_request: number;
  readonly bare_bundle_kb: number;
  readonly creation_ms: number;
  readonly bare_creation_ms: number;
  readonly postgresql_end_to_end_per_second?: number;
  readonly postgresql_decision_to_grant_p50_ms?: number;
  readonly ratio_postgresql_end_to_end_rate?: number;
}

/** Prints the figures beside those of the bare workflow of the same run. */
export function printTable(figures: Figures): void {
  const say = (value: number | undefined) => (value === undefined ? '-' : value.toFixed(value < 10 ? 2 : 0));
  const ratio = (ours: number, floor: number) => say(ours / floor);
  const rows = [
    ['', 'bare', 'countersign', 'ratio', 'with PostgreSQL'],
    [
      'requests a second, first start to last grant',
      say(figures.bare_end_to_end_per_second),
      say(figures.end_to_end_per_second),
      say(figures.ratio_end_to_end_rate),
      say(figures.postgresql_end_to_end_per_second),
    ],
    [
      'decision to grant, p50 ms',
      say(figures.bare_decision_to_grant_p50_ms),
      say(figures.decision_to_grant_p50_ms),
      say(figures.ratio_decision_to_grant_p50),
      say(figures.postgresql_decision_to_grant_p50_ms),
    ],
    [
      'decision to grant, p99 ms',
      say(figures.bare_decision_to_grant_p99_ms),
      say(figures.decision_to_grant_p99_ms),
      ratio(figures.decision_to_grant_p99_ms, figures.bare_decision_to_grant_p99_ms),
      '-',
    ],
    [
      'heap of a waiting request, KB',
      say(figures.bare_heap_kb_per_waiting_request),
      say(figures.heap_kb_per_waiting_request),
      ratio(figures.heap_kb_per_waiting_request, figures.bare_heap_kb_per_waiting_request),
      '-',
    ],
    ['history events up to the grant', '-', String(figures.events_per_request), '-', '-'],
    [
      'workflow code, KB',
      say(figures.bare_bundle_kb),
      say(figures.bundle_kb),
      ratio(figures.bundle_kb, figures.bare_bundle_kb),
      '-',
    ],
    [
      'creating a workflow, ms (replay of its first task)',
      say(figures.bare_creation_ms),
      say(figures.creation_ms),
      say(figures.ratio_creation),
      '-',
    ],
  ];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const { requests, in_flight: inFlight, rounds } = figures;
  process.stdout.write(
    `${requests} requests, ${inFlight} calls in flight, median of ${rounds} rounds in turns\n`,
  );
  for (const row of rows)
    process.stdout.write(
      `${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    );
}
