import type { Command } from 'commander';
import type { EvidenceFile } from '../../audit/evidence/schema';
import { answer, QUESTIONS, type Question } from '../../audit/report/report';
import { csvLines, type Table, tableLines, tableObjects } from '../../audit/report/table';
import type { RequestRow } from '../../client';
import { type Context, type Run, withClient } from '../context';
import { parseMomentMs } from '../moment';
import { type CommandResult, done, printable, usageError } from '../output';
import { checksWith, evidenceSet, type ProvedEvidence, sayUnproved } from './evidence-set';
import { collected, trustedVersions } from './supplied-files';

interface Options {
  readonly from?: string;
  readonly to?: string;
  readonly at?: string;
  readonly of?: string;
  readonly format: string;
  readonly policy?: readonly string[];
  readonly directory?: readonly string[];
}

const FORMATS = ['table', 'csv', 'json'];

/** `countersign audit report` */
export function defineReport(audit: Command, run: Run): void {
  audit
    .command('report')
    .description('answer what auditors ask, from evidence alone')
    .argument('[evidence...]', 'files or folders of evidence (default: the archive)')
    .option('--from <time>', 'start of the time span, such as 2026-01-01 (default: the first event)')
    .option('--to <time>', 'end of the time span, exclusive (default: now)')
    .option('--at <time>', 'time of the question `alive` (default: the end of the span)')
    .option('--policy <dir>', 'your own copy of the policy bundle, as in audit verify; repeatable', collected)
    .option('--directory <file>', 'your own copy of the directory, as in audit verify; repeatable', collected)
    .option('--of <question>', `one of ${Object.keys(QUESTIONS).join(', ')} (default: all)`)
    .option('--format <format>', `one of ${FORMATS.join(', ')}`, 'table')
    .action((places: string[], options: Options) => run((context) => report(places, options, context)));
}

async function report(places: readonly string[], options: Options, context: Context): Promise<CommandResult> {
  const { format } = options;
  if (!FORMATS.includes(format)) throw usageError(`--format ${format}: one of ${FORMATS.join(', ')}`);
  const span = {
    fromMs: momentOf('--from', options.from, 0),
    toMs: momentOf('--to', options.to, Date.now()),
  };
  if (span.fromMs >= span.toMs) throw usageError('--from must be before --to');
  const atMs = momentOf('--at', options.at, span.toMs);
  const asked = questionsOf(options.of);
  if (format === 'csv' && asked.length !== 1)
    throw usageError('--format csv answers one question; choose it with --of');
  const trusted = await trustedVersions(options);
  const proved = await evidenceSet(places, context, trusted);
  const evidence = proved.map((one) => one.evidence);
  const tables = asked.map((question) => ({
    question,
    table: withProof(answer(question, evidence, span, atMs), proved),
  }));
  const unproved = proved.filter((one) => one.unproved !== undefined);
  for (const one of unproved) context.announce(printable(sayUnproved(one)));
  const checked = checksWith(trusted);
  // An archive holds what has closed. What is open now, and whether it gives access, only the server knows.
  const open = places.length === 0 && asked.includes('alive') ? await openNow(evidence, context) : undefined;
  const data = {
    from: new Date(span.fromMs).toISOString(),
    to: new Date(span.toMs).toISOString(),
    at: new Date(atMs).toISOString(),
    requests: evidence.length,
    checked,
    unproved: unproved.length,
    ...(open && { open }),
    ...Object.fromEntries(tables.map(({ question, table }) => [question, tableObjects(table)])),
  };
  if (format === 'json') return done(data, JSON.stringify(data, null, 2));
  if (open !== undefined && format === 'csv') context.announce(sayOpen(open));
  if (format === 'csv') return done(data, ...tables.flatMap(({ table }) => csvLines(table)).map(printable));
  const read = `Read ${evidence.length} request${evidence.length === 1 ? '' : 's'}.`;
  const about = `Of each file ${checked.join(', ')} were checked${unproved.length === 0 ? '' : `, and ${unproved.length} of them NOT PROVED`}. ${NOT_MADE}`;
  const last = open === undefined ? [read, about] : [printable(sayOpen(open)), read, about];
  return done(data, ...tables.flatMap(({ table }) => tableLines(table)).map(printable), ...last);
}

/** History and log take the file itself. Versions of its own that the evidence brings along are worth what their source is worth. */
const NOT_MADE =
  'History and log: countersign audit verify FILE. Give --policy and --directory to compare with versions that you trust.';

/** Adds to each row whether the evidence of its request was proved. */
function withProof({ title, columns, rows }: Table, proved: readonly ProvedEvidence[]): Table {
  const marks = new Map<string, string>();
  for (const { evidence, unproved } of proved)
    if (unproved !== undefined) marks.set(evidence.request, `NOT PROVED: ${unproved.check}`);
  const at = columns.indexOf('request');
  return {
    title,
    columns: [...columns, 'proof'],
    rows: rows.map((row) => [...row, marks.get(row[at] ?? '') ?? 'proved']),
  };
}

/** Open requests that are not in the evidence, and how many of them have access, or why that cannot be said. */
export type OpenNow =
  | { readonly known: true; readonly missing: number; readonly active: number; readonly isAll: boolean }
  | { readonly known: false; readonly why: string };

const MOST_OPEN = 1_000;

async function openNow(evidence: readonly EvidenceFile[], context: Context): Promise<OpenNow> {
  try {
    return await withClient(context, async (client) =>
      missingFrom(evidence, await client.list({ running: true, limit: MOST_OPEN })),
    );
  } catch (error) {
    return { known: false, why: error instanceof Error ? error.message : 'the server cannot be asked' };
  }
}

/** Counts the open requests that the evidence has nothing of. */
export function missingFrom(
  evidence: readonly Pick<EvidenceFile, 'request'>[],
  rows: readonly Pick<RequestRow, 'id' | 'status'>[],
): OpenNow {
  const known = new Set(evidence.map(({ request }) => request));
  const missing = rows.filter(({ id }) => !known.has(id));
  const active = missing.filter(({ status }) => status === 'active').length;
  return { known: true, missing: missing.length, active, isAll: rows.length < MOST_OPEN };
}

/** Says what an answer from an archive leaves out. */
export function sayOpen(open: OpenNow): string {
  const archived = 'An archive holds requests that have closed';
  if (!open.known)
    return `${archived}. How many open ones are not in it, and have access now, could not be found out: ${open.why}`;
  if (open.missing === 0) return `${archived}, and the server has no open request that is missing here.`;
  const count = `${open.isAll ? '' : 'at least '}${open.missing}`;
  return `${archived}. By the word of the server, ${count} open ${open.missing === 1 ? 'request is' : 'requests are'} not in it, ${open.active} of them with access now; countersign request list --status active says which are proved.`;
}

function questionsOf(name: string | undefined): readonly Question[] {
  const all = Object.keys(QUESTIONS) as Question[];
  if (name === undefined) return all;
  const question = all.find((known) => known === name);
  if (question === undefined) throw usageError(`--of ${name}: one of ${all.join(', ')}`);
  return [question];
}

function momentOf(option: string, text: string | undefined, otherwiseMs: number): number {
  if (text === undefined) return otherwiseMs;
  return parseMomentMs(text, option, 'before');
}
