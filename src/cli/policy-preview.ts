import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import {
  authoritiesOf,
  bundleOf,
  FileTicketSource,
  type LoadedBundle,
  loadBundle,
  preview,
  proposedIn,
  readBundleFiles,
  withChange,
} from '../policy';
import { refuseUnsigned } from '../verified/signed-events';
import { badBundle } from './bundle-problems';
import { whyNotPlain } from './check-run/plain-folder';
import { type Place, placeOf, publishCheckRun } from './check-run/publish';
import { type CheckReport, reportOnPreview, reportOnProblems } from './check-run/report';
import { type Context, type Run, withClient } from './context';
import { withEnrolledKeys } from './enrolled';
import { archivedEvents, type LeftOut, type Refuse } from './friction/sources';
import { parseWhole } from './number';
import { type CommandResult, done, printable, UserError, usageError } from './output';
import { NewestRequests, noteServer } from './recorded-requests';

interface PreviewOptions {
  readonly limit: string;
  readonly archive?: string | true;
  readonly server: boolean;
  readonly proposal?: string;
  readonly about?: string;
  readonly checkRun?: string;
}

/** `countersign policy preview` */
export function definePreview(command: Command, run: Run): void {
  command
    .command('preview')
    .description('show which recorded requests a changed bundle would have decided differently')
    .argument('<dir>', 'folder of the changed bundle, or of the bundle that --proposal changes')
    .option('--proposal <file>', 'try the changes that `countersign friction --json` proposes in this file')
    .option('--about <subject>', 'only the proposed change about this subject')
    .option(
      '--archive [where]',
      'archived evidence: a folder or s3://… (default: COUNTERSIGN_ARCHIVE); the server is asked only for requests that are not in it',
    )
    .option('--no-server', 'read only the archive')
    .option(
      '--limit <n>',
      'how many requests to try, newest first; at most 1000, or 100000 with --no-server',
      '200',
    )
    .option(
      '--check-run <commit>',
      'in GitHub Actions: say it in a check run of this commit too; needs --no-server and GITHUB_TOKEN',
    )
    .action((dir: string, options: PreviewOptions) => run((context) => previewBundle(dir, options, context)));
}

async function previewBundle(dir: string, options: PreviewOptions, context: Context): Promise<CommandResult> {
  // The server returns one page at most. An archive is read one request at a time.
  const limit = parseWhole(options.limit, '--limit', 1, options.server ? 1_000 : 100_000);
  if (!options.server && options.archive === undefined)
    throw usageError('--no-server: name the archive to read instead (--archive)');
  const place = placeIn(options, context);
  const loaded = await changedBundle(dir, options, context);
  if (!loaded.ok) return published(reportOnProblems(loaded.problems), place, badBundle(dir, loaded.problems));
  const { policy } = loaded.bundle;
  const refuse = options.server ? await refuseBy(loaded.bundle, context) : undefined;
  const archive = options.archive === undefined ? undefined : archivedEvents(options.archive, context);
  const newest = new NewestRequests(limit);
  let leftOut: LeftOut = { unanswered: 0, unproved: 0 };
  try {
    await archive?.check();
    for await (const events of archive?.events() ?? []) newest.note(events);
    if (refuse !== undefined)
      leftOut = await withClient(context, (client) =>
        noteServer(newest, client, { limit, archive, refuse: refuse.by }),
      );
  } finally {
    await archive?.close();
  }
  const recorded = newest.newest();
  const differences = preview(policy, recorded);
  const { unanswered, unproved } = leftOut;
  if (unanswered > 0) context.announce(`${unanswered} requests are left out: no worker answered for them`);
  if (unproved > 0)
    context.announce(
      `${unproved} requests are left out: by ${refuse?.directory}, nobody signed what the server says of them`,
    );
  const basis = options.server ? 'signatures' : 'archive';
  const result = done(
    { looked: recorded.length, differences, policyDigest: policy.digest, basis, unanswered, unproved },
    ...differences.flatMap(({ request, about, before, after }) =>
      [`${request}  ${about}`, `  was    ${before}`, `  would  ${after}`].map(printable),
    ),
    `${differences.length} of ${recorded.length} requests would have been decided differently`,
    MARKS[basis],
  );
  return published(reportOnPreview(recorded.length, differences), place, result);
}

/** Returns where to publish the check run, if one is wanted. What a pull request proposes is read by a job that holds no key to the server. */
function placeIn({ checkRun, server, proposal }: PreviewOptions, { env }: Context): Place | undefined {
  if (checkRun === undefined) return undefined;
  if (server || proposal !== undefined)
    throw usageError('--check-run: goes with --no-server and --archive, and without --proposal');
  return placeOf(checkRun, env);
}

async function published(
  report: CheckReport,
  place: Place | undefined,
  result: CommandResult,
): Promise<CommandResult> {
  const why = place && (await publishCheckRun(report, place));
  if (why === undefined) return result;
  const error = { code: 'NOT_PUBLISHED', message: `the check run could not be published: ${why}` };
  return { ...result, exitCode: 1, error, data: { ...toRecord(result.data), error } };
}

const toRecord = (data: unknown): object => (typeof data === 'object' && data !== null ? data : {});

/** What a preview rests on. */
const MARKS = {
  signatures:
    'of what comes from the server, who asked for what is verified by signature; when it was assessed, and what policy answered then, are its word',
  archive: 'read from evidence as it was archived; countersign audit verify checks each file',
} as const;

/** Requests that nobody signed do not count: by the directory in force if the settings name a bundle, else by that of the changed one. */
async function refuseBy(
  changed: LoadedBundle,
  { settings, env, announce }: Context,
): Promise<{ readonly by: Refuse; readonly directory: string }> {
  const named = env['COUNTERSIGN_BUNDLE'];
  const inForce =
    named === undefined
      ? undefined
      : await loadBundle(named, new FileTicketSource(settings.COUNTERSIGN_TICKETS));
  const bundle = inForce?.ok ? inForce.bundle : changed;
  const { directory } = authoritiesOf()(await withEnrolledKeys(bundle, env, announce));
  return {
    by: (claim) => refuseUnsigned(claim, directory, Date.now()),
    directory: inForce?.ok ? `the directory in ${named}` : 'the directory of this bundle',
  };
}

/** Loads the bundle in a folder, changed in memory by a proposal if there is one. */
async function changedBundle(
  dir: string,
  { proposal, about, checkRun }: PreviewOptions,
  { settings, env }: Context,
) {
  const tickets = new FileTicketSource(settings.COUNTERSIGN_TICKETS);
  if (checkRun !== undefined) {
    const why = await whyNotPlain(dir, env['GITHUB_WORKSPACE'] ?? '.');
    if (why !== undefined) return { ok: false as const, problems: [{ file: dir, line: 1, message: why }] };
  }
  if (proposal === undefined) {
    if (about !== undefined) throw usageError('--about: names one of the changes of a --proposal');
    return loadBundle(dir, tickets);
  }
  const changes = await readProposal(proposal, about);
  let read = await readBundleFiles(dir);
  for (const { change } of changes) {
    if (!read.ok) return read;
    const changed = withChange(read.value, change);
    if (!changed.ok) return changed;
    read = { ok: true, value: changed.files };
  }
  return read.ok ? bundleOf(read.value, tickets) : read;
}

async function readProposal(file: string, about: string | undefined) {
  let proposed: ReturnType<typeof proposedIn>;
  try {
    proposed = proposedIn(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    throw new UserError(`--proposal: ${file} cannot be read as JSON; give what \`friction --json\` printed`);
  }
  if (proposed === undefined)
    throw new UserError(`--proposal: ${file} has no findings; give what \`friction --json\` printed`);
  const chosen = proposed.filter(({ subject }) => about === undefined || subject === about);
  if (chosen.length > 0) return chosen;
  const subjects = proposed.map(({ subject }) => JSON.stringify(subject)).join(', ');
  throw new UserError(
    subjects === ''
      ? `--proposal: ${file} proposes no change of policy`
      : `--about: ${file} proposes nothing about that; it does about ${subjects}`,
  );
}
