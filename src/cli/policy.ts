import type { Command } from 'commander';
import { explain, FileTicketSource, loadBundle } from '../policy';
import type { Context } from './context';
import { done, type Outcome, printable } from './output';
import { readRequestFile } from './request-file';

/** `countersign policy check | explain` */
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
  const { policy, directory, book } = loaded.bundle;
  const found = {
    rules: book.engine.rules.size,
    paths: book.paths.size,
    entitlements: book.catalog.entries().length,
  };
  return done(
    { ok: true, policyDigest: policy.digest, directoryDigest: directory.digest, ...found },
    `${dir} is good: ${found.rules} policies, ${found.paths} paths, ${found.entitlements} entitlements`,
    `policy ${policy.digest}`,
    `directory ${directory.digest}`,
  );
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

function refusedBundle(problems: Problems): Outcome {
  const error = problems.map(({ file, line, message }) => `${file}:${line}: ${message}`).join('\n');
  return { exitCode: 1, lines: [], data: { ok: false, problems, error } };
}
