import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import type { Context, Run } from '../context';
import { type CommandResult, done, failed, printable, UserError, usageError } from '../output';
import type { Given } from './answers';

interface InitOptions {
  readonly company?: string;
  readonly governor?: string[];
  readonly team?: string;
  readonly approver?: string[];
  readonly workload?: string;
  readonly owner?: string;
  readonly sponsor?: string;
  readonly kind?: string;
  readonly connector?: string;
  readonly resource?: string;
  readonly action?: string;
  readonly grant?: string[];
  readonly account?: string;
  readonly maxDuration?: string;
  readonly gateway?: string;
  readonly yes?: true;
  readonly fromDemo?: true;
}

const ANSWERS_FILE = 'init.yaml';

const collect = (value: string, earlier: string[] = []): string[] => [...earlier, value];

/** `countersign init` */
export function define(command: Command, run: Run): void {
  command
    .argument('[dir]', 'folder to write into; what is there already stays as it is', '.')
    .option('--company <name>', 'what the company is called')
    .option('--governor <person>', 'who governs: nadia, or nadia="Nadia Okafor" (twice or more)', collect)
    .option('--team <name>', 'team that answers for the first target')
    .option('--approver <person>', 'who of the team approves (twice or more)', collect)
    .option('--workload <id>', 'pipeline or agent that needs access, such as ci/payments')
    .option('--owner <person>', 'who answers for it, and so cannot approve its requests')
    .option('--sponsor <person>', 'who vouches that it is needed (default: the owner)')
    .option('--kind <kind>', 'kind of the target (countersign connector kinds; default: postgresql)')
    .option('--connector <name>', 'what you call the target (default: its kind)')
    .option('--resource <name>', 'what of the target (default: the team)')
    .option('--action <name>', 'to do what there (default: write)')
    .option('--grant <name=value...>', 'what the target gives, such as role=payments_write')
    .option('--account <name>', 'account of the pipeline or agent on the target')
    .option('--max-duration <duration>', 'longest grant (default: 1h)')
    .option(
      '--gateway <url>',
      'invite the approvers to register a passkey on its pages, and make them no keys',
    )
    .option('--yes', 'ask nothing: take defaults for what is not said')
    .option('--from-demo', 'copy the example bundle in place of a bundle of your own, and explain it')
    .action((dir: string, options: InitOptions) => run((context) => init(dir, options, context)));
}

async function init(given: string, options: InitOptions, context: Context): Promise<CommandResult> {
  const dir = path.resolve(given);
  if (existsSync(dir) && !statSync(dir).isDirectory())
    throw usageError(`${given} is a file; name a folder, or one that does not exist yet`);
  if (options.fromDemo === true) {
    if (Object.keys(options).some((name) => !['fromDemo', 'yes', 'json'].includes(name)))
      throw usageError(
        '--from-demo: copies the example as it is; leave out the other options, or --from-demo',
      );
    return (await import('./from-demo.js')).copyDemo(dir, given);
  }
  const { completeAnswers } = await import('./ask.js');
  const { writeAnswers } = await import('./answers.js');
  const said = saidIn(options);
  const earlier = await earlierAnswers(dir, said);
  const ask = options.yes === true ? undefined : context.ask;
  const { given: all, answers } = await completeAnswers(earlier ?? said, ask);
  const { bundleTexts } = await import('./bundle-text.js');
  const { besideTexts, schemaTexts } = await import('./beside-text.js');
  const { checkBundleIn } = await import('./check.js');
  const { place } = await import('./place.js');
  const texts = new Map([
    ...bundleTexts(answers),
    ...schemaTexts(),
    ...besideTexts(answers, dir),
    [ANSWERS_FILE, writeAnswers(all)] as const,
  ]);
  const isFresh = !existsSync(path.join(dir, 'bundle'));
  const { written, kept } = await place(dir, await keyed(texts, dir, answers), async (draft) => {
    if (isFresh) await checkBundleIn(path.join(draft, 'bundle'));
  });
  return report({ dir, given, written, kept, answers }, context);
}

/** The answers that the options give. */
function saidIn(options: InitOptions): Given {
  const { grant, governor, approver, yes: _yes, fromDemo: _fromDemo, ...rest } = options;
  const { json: _json, ...members }: typeof rest & { readonly json?: unknown } = rest;
  return {
    ...members,
    ...(governor !== undefined && { governor: listed(governor) }),
    ...(approver !== undefined && { approver: listed(approver) }),
    ...(grant !== undefined && { grant: pairsOf(grant) }),
  };
}

/** People can be named one by one, or with commas between. */
const listed = (said: readonly string[]): string[] =>
  said.flatMap((one) => one.split(',')).filter((one) => one.trim());

function pairsOf(said: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    said.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1)
        throw usageError(`--grant: ${JSON.stringify(pair)} is not NAME=VALUE, such as role=payments_write`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/**
 * Returns what an earlier run in this folder was told.
 *
 * @throws UserError if this one is told something else: it would change nothing
 */
async function earlierAnswers(dir: string, said: Given): Promise<Given | undefined> {
  const file = path.join(dir, ANSWERS_FILE);
  if (!existsSync(file)) {
    if (existsSync(path.join(dir, 'bundle', 'directory.yaml')))
      throw new UserError(
        `${dir} has a bundle that init did not write, and init changes none; name another folder (docs/govern/init.md)`,
      );
    return undefined;
  }
  const { readAnswers } = await import('./answers.js');
  const earlier = readAnswers(readFileSync(file, 'utf8'));
  if (earlier === undefined)
    throw new UserError(`${file} is not what init wrote; put it back, or name another folder`);
  const other = Object.entries(said).find(
    ([member, value]) =>
      JSON.stringify(value) !== JSON.stringify(Object.entries(earlier).find(([one]) => one === member)?.[1]),
  );
  if (other !== undefined)
    throw new UserError(
      `${file} has another answer for ${other[0]}, and init changes nothing that is there; change the bundle (README.md says how), or name another folder`,
    );
  return earlier;
}

type Answers = import('./answers').Answers;
type Texts = import('./bundle-text').Texts;

/** Adds keys, unless there is a directory already: what it has registered is not known here. */
async function keyed(texts: Texts, dir: string, answers: Answers): Promise<Texts> {
  if (existsSync(path.join(dir, 'bundle', 'directory.yaml'))) return texts;
  const { signersOf } = await import('./bundle-text.js');
  const { withKeys, withInvitations } = await import('./keys.js');
  const invited = answers.gateway === undefined ? [] : answers.approver.map(({ id }) => id);
  const keyedTexts = await withKeys(
    texts,
    dir,
    signersOf(answers).filter((id) => !invited.includes(id)),
  );
  const [governor] = answers.governor;
  if (answers.gateway === undefined || governor === undefined) return keyedTexts;
  return withInvitations(keyedTexts, { gateway: answers.gateway, governor: governor.id, people: invited });
}

interface Outcome {
  readonly dir: string;
  readonly given: string;
  readonly written: readonly string[];
  readonly kept: readonly string[];
  readonly answers: Answers;
}

/** Says what was written, what the bundle and the target come to, and what to type next. */
async function report(
  { dir, given, written, kept, answers }: Outcome,
  { env, terminal }: Context,
): Promise<CommandResult> {
  const { checkBundleIn } = await import('./check.js');
  const { setUpFileOf } = await import('./beside-text.js');
  const { firstSteps } = await import('./readme-text.js');
  const { INVITATIONS_FILE } = await import('./keys.js');
  const { paint } = await import('../terminal.js');
  const said = [
    ...written.filter((name) => !name.startsWith('bundle/schemas/')).map((name) => `wrote  ${name}`),
    ...(kept.length > 0 ? [`kept   ${kept.length} files that were there, as they are`] : []),
  ];
  let checked: Awaited<ReturnType<typeof checkBundleIn>>;
  try {
    checked = await checkBundleIn(path.join(dir, 'bundle'));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return failed(
      { code: 'BAD_BUNDLE', message: error.message },
      { dir, written, kept },
      ...said.map(printable),
    );
  }
  const steps = firstSteps(answers, setUpFileOf(answers));
  const ok = paint('green', 'ok    ', terminal);
  const invitations = written.includes(INVITATIONS_FILE)
    ? readFileSync(path.join(dir, INVITATIONS_FILE), 'utf8').trimEnd().split('\n')
    : [];
  return done(
    { dir, written, kept, checked, next: steps, invitations },
    ...said.map(printable),
    ...invitations.map(printable),
    `${ok} the bundle is good: ${checked.policies} policies, ${checked.entitlements} entitlements`,
    `${ok} ${checked.cases} cases of bundle/tests came out as they say`,
    ...(await targetLines(path.join(dir, 'bundle'), env)),
    '',
    'next:',
    ...(given === '.' ? [] : [`    cd ${given}`]),
    ...steps.map(({ text, command }) => printable(command ? `    ${text}` : `  ${text}:`)),
    '',
    'README.md has the same, and how to change the bundle by review',
  );
}

/** Looks at the target if a setting says where it is, as `doctor` does. */
async function targetLines(bundleDir: string, env: Context['env']): Promise<readonly string[]> {
  const { hasAnySetting } = await import('../../connectors/index.js');
  const { FileTicketSource, loadBundle } = await import('../../policy/index.js');
  const loaded = await loadBundle(bundleDir, new FileTicketSource(undefined));
  if (!loaded.ok || !hasAnySetting(loaded.bundle.connectors, env)) return [];
  const { checkConnectors } = await import('../connector.js');
  const checks = await checkConnectors(loaded.bundle, env);
  return checks.map(({ what, ok, detail }) => printable(`${ok ? 'ok    ' : 'FAIL  '} ${what}: ${detail}`));
}
