import type { Command } from 'commander';
import { findingsOf } from '../../friction/signals';
import { FrictionTally } from '../../friction/tally';
import { authoritiesOf } from '../../policy';
import { refuseUnsigned } from '../../verified/signed-events';
import { type Context, type Run, withClient } from '../context';
import { withEnrolledKeys } from '../enrolled';
import { parseMomentMs } from '../moment';
import { parseWhole } from '../number';
import { type CommandResult, done, usageError } from '../output';
import { defineLeaving } from './leaving';
import { renderFriction } from './render';
import { type ArchivedEvents, archivedEvents, eventsOnServer, type Refuse } from './sources';
import { driftOn, type Known, knownOf } from './surroundings';

interface FrictionOptions {
  readonly from: string;
  readonly to?: string;
  readonly archive?: string | true;
  readonly server: boolean;
  readonly top: string;
}

/** `countersign friction`, `countersign friction leaving` */
export function define(command: Command, run: Run): void {
  command
    .option('--from <when>', 'submitted at or after: a date, or a time before now such as 30d', '30d')
    .option('--to <when>', 'submitted before: a date, or a time before now (default: now)')
    .option(
      '--archive [where]',
      'archived evidence: a folder or s3://… (default: COUNTERSIGN_ARCHIVE); the server is asked only for requests that are not in it',
    )
    .option('--no-server', 'read only the archive')
    .option('--top <n>', 'rows of each table', '10')
    .action((options: FrictionOptions) => run((context) => measure(options, context)));
  defineLeaving(command, run);
}

async function measure(options: FrictionOptions, context: Context): Promise<CommandResult> {
  const nowMs = Date.now();
  const span = {
    fromMs: parseMomentMs(options.from, '--from', 'before', nowMs),
    toMs: options.to === undefined ? nowMs : parseMomentMs(options.to, '--to', 'before', nowMs),
  };
  if (span.fromMs >= span.toMs) throw usageError('--from must be before --to');
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
): Promise<CommandResult> {
  const known = await knownOf(context, nowMs);
  const tally = new FrictionTally({ ...span, ...(known && { teamsOf: known.teamsOf }) });
  await archive?.check();
  for await (const events of archive?.events() ?? []) tally.add(events);
  const leftOut = { unanswered: 0, unproved: 0 };
  const refuse = await refuseBy(known, context, nowMs);
  if (server)
    await withClient(context, async (client) => {
      const isElsewhere = async (id: string) => (await archive?.has(id)) ?? false;
      for await (const events of eventsOnServer(client, span, isElsewhere, refuse, leftOut))
        tally.add(events);
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
  const { unanswered, unproved } = leftOut;
  if (unanswered > 0) context.announce(`${unanswered} requests are left out: no worker answered for them`);
  if (unproved > 0)
    context.announce(
      `${unproved} requests are left out: by this directory, nobody signed what the server says of them`,
    );
  const isVerified = known !== undefined;
  const basis = server ? (isVerified ? 'signatures' : 'server') : 'archive';
  const data = { ...span, basis, unanswered, unproved, ...figures, findings };
  const mark = MARKS[basis];
  return done(data, ...renderFriction(figures, findings, span, { top, terminal: context.terminal }), ...mark);
}

/** What the figures rest on. */
const MARKS = {
  signatures: [
    'of what comes from the server, who asked and who decided is verified by signature; times, policy’s answers and access are its word',
  ],
  server: [
    'what comes from the server is its word, which is not proof; --no-server --archive reads evidence alone',
  ],
  archive: ['read from evidence as it was archived; countersign audit verify checks each file'],
} as const;

/** Without a bundle, what the server says cannot be verified, and all of it counts. */
async function refuseBy(
  known: Known | undefined,
  { env, announce }: Context,
  nowMs: number,
): Promise<Refuse> {
  if (known === undefined) return async () => undefined;
  const { directory } = authoritiesOf()(await withEnrolledKeys(known.bundle, env, announce));
  return (claim) => refuseUnsigned(claim, directory, nowMs);
}
