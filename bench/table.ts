import type { Figures, Row } from './figures';
import type { Spread } from './stats';

/** Prints the figures of all sides beside those of the bare workflow of the same run. */
export function printTable(figures: Figures): void {
  const { rounds, seed, rows, load_average: load } = figures;
  say(
    `median of ${rounds} rounds in turns (lowest to highest round), seed ${seed}, load average ${load.toFixed(1)}`,
  );
  if (figures.too_busy)
    say('TOO BUSY TO TELL: our processes waited for a core, so the times measure other work on the machine');
  const [latencies, full] = [rows.filter(({ latency }) => latency), rows.filter(({ latency }) => !latency)];
  if (latencies.length > 0) {
    say('\ndecision to grant, from when the decision was due');
    align([
      ['a second', 'side', 'p50 ms', 'of bare', 'p99 ms', 'of bare', 'CPU ms', 'waited', 'sender late p99'],
      ...latencies.map(latencyCells),
    ]);
  }
  if (full.length > 0) {
    say(`\nwhole requests at saturation: ${figures.requests} with ${figures.in_flight} senders`);
    align([
      ['side', 'a second', 'of bare', 'CPU ms', 'of the worker', 'of the server'],
      ...full.map(fullCells),
    ]);
  }
  sizes(figures);
}

function latencyCells(row: Row): string[] {
  const { latency, to_bare: ratio } = row;
  const [p50, p99] = ratio && 'p50' in ratio ? [spread(ratio.p50), spread(ratio.p99)] : ['', ''];
  return [
    `${row.load}${latency?.fell_behind ? ' (fell behind)' : ''}`,
    row.side,
    ...[spread(latency?.p50_ms), p50, spread(latency?.p99_ms), p99],
    ...[number(row.cpu_ms_per_grant.median), `${(100 * row.waited_share).toFixed(0)} %`],
    number(latency?.sender_late_p99_ms),
  ];
}

function fullCells(row: Row): string[] {
  const { to_bare: ratio } = row;
  return [
    row.side,
    spread(row.per_second),
    ratio && 'per_second' in ratio ? spread(ratio.per_second) : '',
    ...[number(row.cpu_ms_per_grant.median), number(row.cpu_ms_of_worker), number(row.cpu_ms_of_server)],
  ];
}

function sizes(figures: Figures): void {
  const { heap_kb_per_waiting_request: heap, bare_heap_kb_per_waiting_request: bareHeap } = figures;
  if (heap === undefined) return;
  say('');
  align([
    ['', 'bare', 'countersign'],
    ['heap of a waiting request, KB', number(bareHeap), number(heap)],
    ['history events up to the grant', '', number(figures.events_per_request)],
    ['workflow code, KB', number(figures.bare_bundle_kb), number(figures.bundle_kb)],
    ['creating a workflow, ms', number(figures.bare_creation_ms), number(figures.creation_ms)],
  ]);
}

function spread(value: Spread | undefined): string {
  if (value === undefined) return '';
  const { median, low, high } = value;
  return `${number(median)} (${number(low)} to ${number(high)})`;
}

const number = (value: number | undefined): string =>
  value === undefined ? '' : value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

export function align(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows)
    say(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

export const say = (line: string): void => void process.stdout.write(`${line}\n`);
