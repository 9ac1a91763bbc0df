import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import {
  adviceOn,
  authoritiesOf,
  bundleOf,
  explain,
  explore,
  FileTicketSource,
  type LoadedBundle,
  loadBundle,
  preview,
  proposedIn,
  readBundleFiles,
  runBundleTests,
  withChange,
} from '../policy';
import { refuseUnsigned } from '../verified/signed-events';
import { type Context, type Run, withClient } from './context';
import { withEnrolledKeys } from './enrolled';
import { archivedEvents, type LeftOut, type Refuse } from './friction/sources';
import { parseWhole } from './number';
import { type CommandResult, done, failed, printable, UserError, usageError } from './output';
import { NewestRequests, noteServer } from './recorded-requests';
import { readRequestFile } from './request-file';

interface PreviewOptions {
  readonly limit: string;
  readonly archive?: string | true;
  readonly server: boolean;
  readonly proposal?: string;
  readonly about?: string;
}

/** `countersign policy check | test | explain | preview` */
export function define(command: Command, run: Run): void {
  command
    .command('check')
    .description('check a whole bundle; prints each problem with its file and line')
    .argument('[dir]', 'folder of the bundle (default: COUNTERSIGN_BUNDLE)')
    .action((dir: string | undefined) => run((context) => check(dir, context)));
  command
    .command('test')
    .description("run the bundle's own test cases, in its folder tests/")
    .argument('[dir]', 'folder of the bundle (default: COUNTERSIGN_BUNDLE)')
    .action((dir: string | undefined) => run((context) => test(dir, context)));
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
    .action((dir: string, options: PreviewOptions) => run((context) => previewBundle(dir, options, context)));
  command
    .command('explain')
    .description('show what policy would decide on a request, and why')
    .argument('<request>', 'request file')
    .argument('[dir]', 'folder of the bundle (default: COUNTERSIGN_BUNDLE)')
    .action((file: string, dir: string | undefined) => run((context) => explainRequest(file, dir, context)));
}

async function check(given: string | undefined, { settings }: Context): Promise<CommandResult> {
  const dir = given ?? settings.COUNTERSIGN_BUNDLE;
  const loaded = await loadBundle(dir, new FileTicketSource(settings.COUNTERSIGN_TICKETS));
  if (!loaded.ok) return foundWrong(dir, loaded.problems);
  const { policy, directory, context, identities, notes, unreachable } = loaded.bundle;
  const ticketProblem = await new FileTicketSource(settings.COUNTERSIGN_TICKETS).problem();
  const tickets =
    ticketProblem === undefined ? [] : [{ file: 'COUNTERSIGN_TICKETS', line: 1, message: ticketProblem }];
  const explored = explore(context, identities, Date.now());
  const { problems, tried, complete } = explored;
  if (problems.length > 0) return foundWrong(dir, problems);
  const advice = [
    ...unreachable,
    ...explored.unapprovable,
    ...adviceOn(loaded.bundle, explored, Date.now()),
    ...notes,
    ...tickets,
  ];
  const found = {
    rules: context.engine.rules.size,
    paths: context.paths.size,
    entitlements: context.catalog.entries().length,
    tried,
    complete,
  };
  return done(
    { ok: true, policyDigest: policy.digest, directoryDigest: directory.digest, ...found, warnings: advice },
    ...advice.map(({ file, line, message }) => printable(`${file}:${line}: warning: ${message}`)),
    `${dir} is good: ${found.rules} policies, ${found.paths} paths, ${found.entitlements} entitlements`,
    `${tried} possible requests tried${complete ? '' : '; there are more than that, so not every policy was'}`,
    `policy ${policy.digest}`,
    `directory ${directory.digest}`,
  );
}

async function test(given: string | undefined, { settings }: Context): Promise<CommandResult> {
  const dir = given ?? settings.COUNTERSIGN_BUNDLE;
  const loaded = await loadBundle(dir, new FileTicketSource(settings.COUNTERSIGN_TICKETS));
  if (!loaded.ok) return foundWrong(dir, loaded.problems);
  const { passed, problems } = await runBundleTests(dir, loaded.bundle.context, Date.now());
  if (problems.length > 0) return foundWrong(dir, problems, { passed, failed: problems.length });
  if (passed === 0)
    return foundWrong(dir, [{ file: 'tests', line: 1, message: 'has no cases; add a file to it' }]);
  return done({ ok: true, passed }, `${passed} cases came out as they say`);
}

async function previewBundle(dir: string, options: PreviewOptions, context: Context): Promise<CommandResult> {
  // The server returns one page at most. An archive is read one request at a time.
  const limit = parseWhole(options.limit, '--limit', 1, options.server ? 1_000 : 100_000);
  if (!options.server && options.archive === undefined)
    throw usageError('--no-server: name the archive to read instead (--archive)');
  const loaded = await changedBundle(dir, options, context);
  if (!loaded.ok) return badBundle(dir, loaded.problems);
  const { policy } = loaded.bundle;
  const refuse = await refuseBy(loaded.bundle, context);
  const archive = options.archive === undefined ? undefined : archivedEvents(options.archive, context);
  const newest = new NewestRequests(limit);
  let leftOut: LeftOut = { unanswered: 0, unproved: 0 };
  try {
    await archive?.check();
    for await (const events of archive?.events() ?? []) newest.note(events);
    if (options.server)
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
      `${unproved} requests are left out: by ${refuse.directory}, nobody signed what the server says of them`,
    );
  const basis = options.server ? 'signatures' : 'archive';
  return done(
    { looked: recorded.length, differences, policyDigest: policy.digest, basis, unanswered, unproved },
    ...differences.flatMap(({ request, about, before, after }) =>
      [`${request}  ${about}`, `  was    ${before}`, `  would  ${after}`].map(printable),
    ),
    `${differences.length} of ${recorded.length} requests would have been decided differently`,
    MARKS[basis],
  );
}

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
async function changedBundle(dir: string, { proposal, about }: PreviewOptions, { settings }: Context) {
  const tickets = new FileTicketSource(settings.COUNTERSIGN_TICKETS);
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

async function explainRequest(
  file: string,
  given: string | undefined,
  { settings }: Context,
): Promise<CommandResult> {
  const nowMs = Date.now();
  const read = await readRequestFile(file, nowMs);
  const request = read.signed ? read.submission.request : read.request;
  const dir = given ?? settings.COUNTERSIGN_BUNDLE;
  const loaded = await loadBundle(dir, new FileTicketSource(settings.COUNTERSIGN_TICKETS));
  if (!loaded.ok) return badBundle(dir, loaded.problems);
  const lines = explain(loaded.bundle.context, request, nowMs).map(printable);
  return done({ assessment: loaded.bundle.policy.assess(request, nowMs), lines }, ...lines);
}

type Problems = Extract<Awaited<ReturnType<typeof loadBundle>>, { ok: false }>['problems'];

/** The result of a check that found problems: one line for each. */
function foundWrong(dir: string, problems: Problems, more: object = {}): CommandResult {
  const lines = problems.map(({ file, line, message }) => printable(`${file}:${line}: ${message}`));
  const error = { code: 'BAD_BUNDLE', message: `${dir}: ${sayProblems(problems)}` };
  return failed(error, { ok: false, ...more, problems }, ...lines);
}

/** The result if a bundle is not valid, so that nothing can be decided by it. */
function badBundle(dir: string, problems: Problems): CommandResult {
  const message = `${dir}: ${sayProblems(problems)} (countersign policy check)`;
  return failed({ code: 'BAD_BUNDLE', message }, { ok: false, problems });
}

function sayProblems([first, ...others]: Problems): string {
  const where = first === undefined ? 'not good' : `${first.file}:${first.line}: ${first.message}`;
  return others.length === 0 ? where : `${others.length + 1} problems, first ${where}`;
}
