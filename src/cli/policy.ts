import type { Command } from 'commander';
import { adviceOn, explain, explore, FileTicketSource, loadBundle, runBundleTests } from '../policy';
import { badBundle, codeOfProblems, type Problems, sayProblems } from './bundle-problems';
import type { Context, Run } from './context';
import { type CommandResult, done, failed, printable } from './output';
import { definePack } from './policy-pack';
import { definePreview } from './policy-preview';
import { readRequestFile } from './request-file';

const BUNDLE_ARGUMENT =
  'folder of the bundle, or packed file as FILE?keys=KEYS (default: COUNTERSIGN_BUNDLE)';

/** `countersign policy check | test | explain | preview | pack` */
export function define(command: Command, run: Run): void {
  command
    .command('check')
    .description('check a whole bundle; prints each problem with its file and line')
    .argument('[dir]', BUNDLE_ARGUMENT)
    .action((dir: string | undefined) => run((context) => check(dir, context)));
  command
    .command('test')
    .description("run the bundle's own test cases, in its folder tests/")
    .argument('[dir]', BUNDLE_ARGUMENT)
    .action((dir: string | undefined) => run((context) => test(dir, context)));
  definePreview(command, run);
  definePack(command, run);
  command
    .command('explain')
    .description('show what policy would decide on a request, and why')
    .argument('<request>', 'request file')
    .argument('[dir]', BUNDLE_ARGUMENT)
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

/** The result of a check that found problems: one line for each. */
function foundWrong(dir: string, problems: Problems, more: object = {}): CommandResult {
  const lines = problems.map(({ file, line, message }) => printable(`${file}:${line}: ${message}`));
  const error = { code: codeOfProblems(problems), message: `${dir}: ${sayProblems(problems)}` };
  return failed(error, { ok: false, ...more, problems }, ...lines);
}
