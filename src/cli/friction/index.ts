import type { Command } from 'commander';
import { findingsOf } from '../../friction/signals';
import { FrictionTally } from '../../friction/tally';
import { type Context, withClient } from '../context';
import { parseDurationMs } from '../duration';
import { readMomentMs } from '../moment';
import { parseWhole } from '../number';
import { done, type Outcome, usageError } from '../output';
import { registerLeaving } from './leaving';
import { renderFriction } from './render';
import { type ArchivedEvents, archivedEvents, eventsOnServer } from './sources';
import { driftOn, knownOf } from './surroundings';

interface FrictionOptions {
  readonly from: string;
  readonly to?: string;
  readonly archive?: string | true;
  readonly server: boolean;
  readonly top: string;
}

/** `countersign friction`, `countersign friction leaving` */
export function registerFriction(
  program: Command,
  run: (work: (context: Context) => Promise<Outcome>) => void,
): void {
  const friction = program
    .command('friction')
    .description('what requests cost people, and what should be redesigned, from recorded events')
    .option('--from <when>', 'submitted at or after: a date, or so long ago (30d)', '30d')
    .option('--to <when>', 'submitted before: a date, or so long ago (default: now)')
    .option(
      '--archive [where]',
      'archived evidence: a folder or s3://… (default: COUNTERSIGN_ARCHIVE); what is there is not asked of the server',
    )
    .option('--no-server', 'read the archive alone')
    .option('--top <n>', 'rows of each table', '10')
    .action((options: FrictionOptions) => run((context) => measure(options, context)));
  registerLeaving(friction, run);
}

async function measure(options: FrictionOptions, context: Context): Promise<Outcome> {
  const nowMs = Date.now();
  const span = {
    fromMs: momentOf(options.from, '--from', nowMs),
    toMs: options.to === undefined ? nowMs : momentOf(options.to, '--to', nowMs),
  };
  if (span.fromMs >= span.toMs) throw usageError('--from: is not before --to');
  const top = parseWhole(options.top, '--top', 1, 10_000);
  if (!options.server && options.archive === undefined)
    throw usageError('--no-server: name the archive to read instead (--archive)');
  const archive = options.archive === undefined ? undefined : archivedEvents(options.archive, context);
  try {
    return await tallied({ ...options, top, span, nowMs }, archive, context);
  } finally {
    await archive?.close();
  }
}

interface Asked {
  readonly server: boolean;
  readonly top: number;
  readonly span: { readonly fromMs: number; readonly toMs: number };
  readonly nowMs: number;
}

async function tallied(
  { server, top, span, nowMs }: Asked,
  archive: ArchivedEvents | undefined,
  context: Context,
): Promise<Outcome> {
  const known = await knownOf(context, nowMs);
  const tally = new FrictionTally({ ...span, ...(known && { teamsOf: known.teamsOf }) });
  await archive?.check();
  for await (const events of archive?.events() ?? []) tally.add(events);
  const unanswered = { count: 0 };
  if (server)
    await withClient(context, async (client) => {
      const isElsewhere = async (id: string) => (await archive?.has(id)) ?? false;
      for await (const events of eventsOnServer(client, span, isElsewhere, unanswered)) tally.add(events);
    });
  if (known !== undefined) for await (const seen of driftOn(known, context)) tally.addDrift(seen);
  const figures = tally.figures();
  const findings = findingsOf({
    tally,
    figures,
    ...(known && { surroundings: { entitlements: known.entitlements } }),
    // What a server has forgotten says nothing: figures reach back no further than the oldest request that was seen.
    spanMs: span.toMs - Math.max(span.fromMs, tally.firstAtMs ?? span.toMs),
  });
  if (unanswered.count > 0)
    context.announce(`${unanswered.count} requests are left out: no worker answered for them`);
  const data = { ...span, unanswered: unanswered.count, ...figures, findings };
  return done(data, ...renderFriction(figures, findings, span, top));
}

/** A moment as a date, a UTC time, or a span before now. */
function momentOf(text: string, what: string, nowMs: number): number {
  if (/^\d+[smhd]$/.test(text)) return nowMs - parseDurationMs(text, what);
  const atMs = readMomentMs(text);
  if (atMs === undefined)
    throw usageError(`${what}: ${JSON.stringify(text)} is neither a date nor a span such as 30d`);
  return atMs;
}
