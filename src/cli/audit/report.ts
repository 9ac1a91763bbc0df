import type { Command } from 'commander';
import { answer, QUESTIONS, type Question } from '../../audit/report/report';
import { csvLines, tableLines, tableObjects } from '../../audit/report/table';
import type { Context } from '../context';
import { MOMENT_EXAMPLE, readMomentMs } from '../moment';
import { done, type Outcome, printable, usageError } from '../output';
import { CHECKED, evidenceSet } from './evidence-set';
import type { Run } from './index';

interface Options {
  readonly from?: string;
  readonly to?: string;
  readonly at?: string;
  readonly of?: string;
  readonly format: string;
}

const FORMATS = ['table', 'csv', 'json'];

/** `countersign audit report` */
export function registerReport(audit: Command, run: Run): void {
  audit
    .command('report')
    .description('answer what auditors ask, from evidence alone')
    .argument('[evidence...]', 'files or folders of evidence (default: the archive)')
    .option('--from <time>', 'beginning of the span, such as 2026-01-01 (default: all)')
    .option('--to <time>', 'end of the span, which is not in it (default: now)')
    .option('--at <time>', 'the moment of `alive` (default: the end of the span)')
    .option('--of <question>', `one of ${Object.keys(QUESTIONS).join(', ')} (default: all)`)
    .option('--format <format>', FORMATS.join(', '), 'table')
    .action((places: string[], options: Options) => run((context) => report(places, options, context)));
}

async function report(places: readonly string[], options: Options, context: Context): Promise<Outcome> {
  const { format } = options;
  if (!FORMATS.includes(format)) throw usageError(`--format ${format}: one of ${FORMATS.join(', ')}`);
  const span = {
    fromMs: momentOf('--from', options.from, 0),
    toMs: momentOf('--to', options.to, Date.now()),
  };
  if (span.fromMs >= span.toMs) throw usageError('--from comes before --to');
  const atMs = momentOf('--at', options.at, span.toMs);
  const asked = questionsOf(options.of);
  if (format === 'csv' && asked.length !== 1)
    throw usageError('a CSV file answers one question; choose it with --of');
  const evidence = await evidenceSet(places, context);
  const tables = asked.map((question) => ({ question, table: answer(question, evidence, span, atMs) }));
  const data = {
    from: new Date(span.fromMs).toISOString(),
    to: new Date(span.toMs).toISOString(),
    at: new Date(atMs).toISOString(),
    requests: evidence.length,
    checked: CHECKED,
    ...Object.fromEntries(tables.map(({ question, table }) => [question, tableObjects(table)])),
  };
  if (format === 'json') return done(data, JSON.stringify(data, null, 2));
  if (format === 'csv') return done(data, ...tables.flatMap(({ table }) => csvLines(table)).map(printable));
  const about = `Of each file ${CHECKED.join(', ')} were checked. Signatures, policy, history and log: countersign audit verify FILE.`;
  return done(data, ...tables.flatMap(({ table }) => tableLines(table)).map(printable), about);
}

function questionsOf(given: string | undefined): readonly Question[] {
  const all = Object.keys(QUESTIONS) as Question[];
  if (given === undefined) return all;
  const question = all.find((known) => known === given);
  if (question === undefined) throw usageError(`--of ${given}: one of ${all.join(', ')}`);
  return [question];
}

function momentOf(option: string, given: string | undefined, otherwiseMs: number): number {
  if (given === undefined) return otherwiseMs;
  const atMs = readMomentMs(given);
  if (atMs === undefined) throw usageError(`${option} ${given}: must be a time such as ${MOMENT_EXAMPLE}`);
  return atMs;
}
