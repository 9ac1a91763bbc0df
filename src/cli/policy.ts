import type { Command } from 'commander';
import type { CountersignClient } from '../client';
import { assessmentSchema } from '../contracts/evidence';
import {
  explain,
  explore,
  FileTicketSource,
  loadBundle,
  preview,
  type RecordedRequest,
  runBundleTests,
} from '../policy';
import { type Context, withClient } from './context';
import { done, type Outcome, printable } from './output';
import { readRequestFile } from './request-file';

/** `countersign policy check | test | explain | preview` */
export function registerPolicy(
  program: Command,
  run: (work: (context: Context) => Promise<Outcome>) => void,
): void {
  const policy = program.command('policy').description('check and explain a policy bundle');
  policy
    .command('check')
    .description('check a bundle as a whole; one line a problem, with file and line')
    .argument('[dir]', 'folder of the bundle (default: COUNTERSIGN_BUNDLE)')
    .action((dir: string | undefined) => run((context) => check(dir, context)));
  policy
    .command('test')
    .description("run the bundle's own cases, in its folder tests/")
    .argument('[dir]', 'folder of the bundle (default: COUNTERSIGN_BUNDLE)')
    .action((dir: string | undefined) => run((context) => test(dir, context)));
  policy
    .command('preview')
    .description('say which of the requests on the server a changed bundle would have decided otherwise')
    .argument('<dir>', 'folder of the changed bundle')
    .option('--limit <n>', 'how many requests to look at, newest first', '200')
    .action((dir: string, options: { limit: string }) =>
      run((context) => previewBundle(dir, Number(options.limit), context)),
    );
  policy
    .command('explain')
    .description('say what policy would decide on a request, and why')
    .argument('<request>', 'request file')
    .argument('[dir]', 'folder of the bundle (default: COUNTERSIGN_BUNDLE)')
    .action((file: string, dir: string | undefined) => run((context) => explainRequest(file, dir, context)));
}

async function check(given: string | undefined, { settings }: Context): Promise<Outcome> {
  const dir = given ?? settings.COUNTERSIGN_BUNDLE;
  const loaded = await loadBundle(dir, new FileTicketSource(settings.COUNTERSIGN_TICKETS));
  if (!loaded.ok) return refusedBundle(loaded.problems);
  const { policy, directory, book, identities } = loaded.bundle;
  const { problems, tried, complete } = explore(book, identities, Date.now());
  if (problems.length > 0) return refusedBundle(problems);
  const found = {
    rules: book.engine.rules.size,
    paths: book.paths.size,
    entitlements: book.catalog.entries().length,
    tried,
    complete,
  };
  return done(
    { ok: true, policyDigest: policy.digest, directoryDigest: directory.digest, ...found },
    `${dir} is good: ${found.rules} policies, ${found.paths} paths, ${found.entitlements} entitlements`,
    `${tried} possible requests tried${complete ? '' : '; there are more than that, so not every policy was'}`,
    `policy ${policy.digest}`,
    `directory ${directory.digest}`,
  );
}

async function test(given: string | undefined, { settings }: Context): Promise<Outcome> {
  const dir = given ?? settings.COUNTERSIGN_BUNDLE;
  const loaded = await loadBundle(dir, new FileTicketSource(settings.COUNTERSIGN_TICKETS));
  if (!loaded.ok) return refusedBundle(loaded.problems);
  const { passed, problems } = await runBundleTests(dir, loaded.bundle.book, Date.now());
  if (problems.length > 0) return refusedBundle(problems, { passed, failed: problems.length });
  if (passed === 0)
    return refusedBundle([{ file: 'tests', line: 1, message: 'has no cases; add a file to it' }]);
  return done({ ok: true, passed }, `${passed} cases came out as they say`);
}

async function previewBundle(dir: string, limit: number, context: Context): Promise<Outcome> {
  const loaded = await loadBundle(dir, new FileTicketSource(context.settings.COUNTERSIGN_TICKETS));
  if (!loaded.ok) return refusedBundle(loaded.problems);
  const { policy } = loaded.bundle;
  return withClient(context, async (client) => {
    const recorded = await recordedRequests(client, limit);
    const differences = preview(policy, recorded);
    return done(
      { looked: recorded.length, differences, policyDigest: policy.digest },
      ...differences.flatMap(({ request, about, before, after }) =>
        [`${request}  ${about}`, `  was    ${before}`, `  would  ${after}`].map(printable),
      ),
      `${differences.length} of ${recorded.length} requests would have been decided otherwise`,
    );
  });
}

/** Requests of the server with what was decided on them. Those that no worker answers for any more are left out. */
async function recordedRequests(
  client: CountersignClient,
  limit: number,
): Promise<readonly RecordedRequest[]> {
  const recorded: RecordedRequest[] = [];
  for (const { id } of await client.list({ limit })) {
    const [submission, events] = [await client.submissionOf(id), await client.events(id)];
    const assessed = events.find((event) => event.type === 'assessed');
    const assessment = assessmentSchema.safeParse(
      assessed?.type === 'assessed' ? assessed.assessment : undefined,
    );
    if (assessment.success) recorded.push({ request: submission.request, assessment: assessment.data });
  }
  return recorded;
}

async function explainRequest(
  file: string,
  dir: string | undefined,
  { settings }: Context,
): Promise<Outcome> {
  const nowMs = Date.now();
  const read = await readRequestFile(file, nowMs);
  const request = read.signed ? read.submission.request : read.request;
  const loaded = await loadBundle(
    dir ?? settings.COUNTERSIGN_BUNDLE,
    new FileTicketSource(settings.COUNTERSIGN_TICKETS),
  );
  if (!loaded.ok) return refusedBundle(loaded.problems);
  const lines = explain(loaded.bundle.book, request, nowMs).map(printable);
  return done({ assessment: loaded.bundle.policy.assess(request, nowMs), lines }, ...lines);
}

type Problems = Extract<Awaited<ReturnType<typeof loadBundle>>, { ok: false }>['problems'];

function refusedBundle(problems: Problems, more: object = {}): Outcome {
  const error = problems.map(({ file, line, message }) => `${file}:${line}: ${message}`).join('\n');
  return { exitCode: 1, lines: [], data: { ok: false, ...more, problems, error } };
}
