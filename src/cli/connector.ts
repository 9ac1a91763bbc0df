import type { Command } from 'commander';
import {
  CONNECTOR_DEFINITIONS,
  checkConnector,
  type Expected,
  findDefinition,
  loginOf,
  settingNames,
} from '../connectors';
import type { Environment } from '../contracts/settings';
import { FileTicketSource, loadBundle } from '../policy';
import type { ConnectorDeclaration } from '../policy/bundle';
import type { LoadedBundle } from '../policy/load/load-bundle';
import type { TrialOptions } from './connector-test';
import type { Context, Run } from './context';
import { type CommandResult, done, failed, printable, UserError } from './output';

/** `countersign connector kinds | check | setup` */
export function define(command: Command, run: Run): void {
  command
    .command('kinds')
    .description('list the kinds of connectors, with what each grants and its settings')
    .action(() => run(async () => kinds()));
  command
    .command('check')
    .description('try on the target what the connector needs: reach, rights, names; changes nothing')
    .argument('<name>', 'connector in catalog.yaml; its settings come from the environment, as for a worker')
    .action((name: string) => run((context) => check(name, context)));
  command
    .command('setup')
    .description(
      "print what an administrator of the target runs to give the connector's login the least that it needs",
    )
    .argument('<name>', 'connector in catalog.yaml')
    .requiredOption('--print', 'print it, for an administrator of the target to read and run')
    .action((name: string) => run((context) => setUp(name, context)));
  command
    .command('test')
    .description(
      'try on a webhook target that it keeps every promise of the contract; gives and takes access there',
    )
    .argument('<url>', 'where the service takes messages')
    .requiredOption('--secret-file <file>', 'file of the secret that messages are signed with (whsec_…)')
    .requiredOption(
      '--account <account>',
      'an account that the service knows, and that may be given the grant',
    )
    .requiredOption('--grant <name=value...>', 'what the service is to give')
    .action((url: string, options: TrialOptions) =>
      run(async (context) => (await import('./connector-test.js')).tryService(url, options, context)),
    );
}

function kinds(): CommandResult {
  const list = CONNECTOR_DEFINITIONS.map((one) => ({
    kind: one.kind,
    title: one.title,
    gives: one.gives,
    leases: one.leases,
    endsByItself: one.endsByItself,
    leavesBehind: one.leavesBehind,
    settings: settingNames('<NAME>', one),
  }));
  return done(
    { kinds: list },
    ...list.flatMap(({ kind, title, gives, endsByItself, leavesBehind, settings }) => [
      `${kind}  ${gives}: ${title}`,
      `  ends by itself: ${endsByItself.access ? 'access' : 'nothing; the worker ends access and sessions'}`,
      ...leavesBehind.map((one) => `  a holder can leave behind: ${one}`),
      `  settings: ${settings.join(', ')}`,
    ]),
  );
}

async function check(name: string, context: Context): Promise<CommandResult> {
  const { declared, all, expected } = await declaredAs(name, context);
  const checks = await checkConnector(declared, all, expected, context.env);
  const lines = checks.map(({ what, ok, detail }) =>
    printable(`${ok ? 'ok  ' : 'FAIL'}  ${what}: ${detail}`),
  );
  const wrong = checks.filter(({ ok }) => !ok).map(({ what }) => what);
  if (wrong.length === 0) return done({ connector: name, checks }, ...lines);
  const message = `connector ${name}: ${wrong.join(', ')}`;
  return failed({ code: 'NOT_READY', message: printable(message) }, { connector: name, checks }, ...lines);
}

async function setUp(name: string, context: Context): Promise<CommandResult> {
  const { declared, expected } = await declaredAs(name, context);
  const login = loginOf(declared, context.env) ?? `countersign_${name.replace(/\W/g, '_')}`;
  const sql = findDefinition(declared.kind)?.setUp(expected, login) ?? '';
  return done({ connector: name, login, sql }, ...sql.split('\n').map(printable));
}

async function declaredAs(name: string, { settings }: Context) {
  const dir = settings.COUNTERSIGN_BUNDLE;
  const loaded = await loadBundle(dir, new FileTicketSource(settings.COUNTERSIGN_TICKETS));
  if (!loaded.ok) {
    const [first] = loaded.problems;
    throw new UserError(`${first?.file}:${first?.line}: ${first?.message} (countersign policy check)`);
  }
  const declared = loaded.bundle.connectors.find((one) => one.name === name);
  const names = loaded.bundle.connectors.map((one) => one.name).join(', ');
  if (declared === undefined)
    throw new UserError(`there is no connector ${printable(name)} in ${dir}; there are ${names}`);
  return { declared, all: loaded.bundle.connectors, expected: expectedOf(loaded.bundle, declared) };
}

/** What the bundle has a connector grant, and to which accounts of its target. */
export const expectedOf = (
  { identities }: LoadedBundle,
  { name, grants }: ConnectorDeclaration,
): Expected => ({
  grants,
  accounts: identities.flatMap(({ accounts }) => accounts[name] ?? []),
});

/** Checks every connector that has a setting here. One line each; all that is wrong with it is in its detail. */
export async function checkConnectors(bundle: LoadedBundle, env: Environment) {
  return Promise.all(
    bundle.connectors.map(async (declared) => {
      const checks = await checkConnector(declared, bundle.connectors, expectedOf(bundle, declared), env);
      const wrong = checks.filter(({ ok }) => !ok);
      const detail = wrong.map(({ what, detail: said }) => `${what}: ${said}`).join('; ');
      const fine = `${checks[0]?.detail ?? ''}; ${checks.length} checks`;
      return {
        what: `connector ${declared.name}`,
        ok: wrong.length === 0,
        detail: printable(detail || fine),
      };
    }),
  );
}
