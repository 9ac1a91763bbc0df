import type { Command } from 'commander';
import { connectorProblems, type Declared, hasAnySetting } from '../connectors';
import { checkDatabase } from '../connectors/target-check';
import { describeSettings } from '../contracts/settings';
import { LEDGER_TABLES, ledgerAddress } from '../ledger';
import { FileTicketSource, type LoadedBundle, loadBundle } from '../policy';
import { locateTemporalBinary } from '../stack/temporal-binary';
import { checkConnectors } from './connector';
import { type Context, type Run, withClient } from './context';
import type { Finding } from './finding';
import { type CommandResult, done, failed, printable } from './output';
import { checkRegister } from './register-check';
import { checkSources } from './sources-check';
import { checkTemporal } from './temporal-check';
import { paint } from './terminal';
import { CliVerifier } from './verified';

/** What a clean bill does not cover, so that nobody takes it for more. */
const NOT_CHECKED = ['whether a worker runs', 'where notifications are sent (countersign notify check)'];

/** `countersign doctor` */
export function define(command: Command, run: Run): void {
  command
    .option('--offline', 'look at this machine and its files alone; connect to nothing but Temporal')
    .action((options: { readonly offline?: true }) =>
      run((context) => examine(context, options.offline === true)),
    );
}

async function examine(context: Context, isOffline: boolean): Promise<CommandResult> {
  const { settings, env, terminal } = context;
  const findings = [
    nodeVersion(),
    temporalBinary(),
    ...(await bundle(settings, env, isOffline)),
    ...(await ticketsOf(settings, isOffline)),
    ...(await checkTemporal(context, isOffline)),
  ];
  findings.push(...(await waitingRequests(context, findings)));
  const unchecked = isOffline
    ? ['connectors, ledger and register on their targets (without --offline)', ...NOT_CHECKED]
    : NOT_CHECKED;
  const list = describeSettings().map(({ name, purpose }) => {
    const source = sourceOf(name, context);
    return { name, purpose, set: env[name] !== undefined, ...(source !== undefined && { source }) };
  });
  const lines = [
    ...findings.map(
      (finding) => `${markOf(finding, terminal)}  ${printable(`${finding.what}: ${finding.detail}`)}`,
    ),
    `not checked: ${unchecked.join('; ')}`,
    'settings:',
    ...list.map(({ name, purpose, source }) => {
      const value = TELLABLE.includes(name) ? env[name] : undefined;
      const said = source === undefined ? '' : ` (${value === undefined ? 'set' : `${value},`} by ${source})`;
      return printable(`  ${name}${said}: ${purpose}`);
    }),
  ];
  const data = { findings, notChecked: unchecked, settings: list };
  const missing = findings.filter(({ ok }) => !ok).map(({ what }) => what);
  if (missing.length === 0) return done(data, ...lines);
  return failed({ code: 'NOT_READY', message: `not ready here: ${missing.join(', ')}` }, data, ...lines);
}

function markOf({ ok, isWarning }: Finding, terminal: Context['terminal']): string {
  if (!ok) return paint('red', 'FAIL', terminal);
  return isWarning === true ? paint('yellow', 'warn', terminal) : paint('green', 'ok  ', terminal);
}

/** Settings whose value is worth reading and holds no secret. */
const TELLABLE: readonly string[] = [
  'COUNTERSIGN_AS',
  'COUNTERSIGN_KEY',
  'COUNTERSIGN_GATEWAY',
  'COUNTERSIGN_BUNDLE',
  'COUNTERSIGN_STATE_DIR',
];

/** Where a setting comes from. Returns undefined if it is not set, so that its default counts. */
function sourceOf(
  name: string,
  { env, sources: { environment, config, stack } }: Context,
): string | undefined {
  if (environment[name] !== undefined) return 'the environment';
  if (config.settings[name] !== undefined) return config.file;
  if (stack !== undefined && env[name] !== undefined) return `the stack that runs in ${stack.stateDir}`;
  return undefined;
}

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return { what: 'Node', ok, detail: `${process.versions.node}${ok ? '' : '; 20.19 or later is needed'}` };
}

function temporalBinary(): Finding {
  const what = 'Temporal CLI';
  try {
    const found = locateTemporalBinary();
    if (found !== undefined) return { what, ok: true, detail: `${found.path} (${found.source})` };
    return { what, ok: true, detail: 'not here yet; `up` gets or builds it' };
  } catch (error) {
    return { what, ok: false, detail: messageOf(error) };
  }
}

/** The bundle, whether all that it declares has an address here, and what the targets at these addresses say. */
async function bundle(
  settings: Context['settings'],
  env: Context['env'],
  isOffline: boolean,
): Promise<readonly [Finding, ...Finding[]]> {
  const what = 'policy bundle';
  const dir = settings.COUNTERSIGN_BUNDLE;
  const loaded = await loadBundle(dir, new FileTicketSource(settings.COUNTERSIGN_TICKETS));
  if (loaded.ok)
    return [
      { what, ok: true, detail: `${dir}, policy ${loaded.bundle.policy.digest}` },
      ...closedPaths(loaded.bundle),
      addresses(loaded.bundle.connectors, env),
      ...(isOffline || !hasAnySetting(loaded.bundle.connectors, env)
        ? []
        : [
            ...(await checkConnectors(loaded.bundle, env)),
            ...(await ledger(loaded.bundle.connectors, env)),
            ...(await checkRegister(loaded.bundle, env, settings.COUNTERSIGN_STATE_DIR)),
            ...(await checkSources(loaded.bundle, env)),
          ]),
    ];
  const [first, ...others] = loaded.problems;
  const more = others.length === 0 ? '' : ` (and ${others.length} more: countersign policy check)`;
  const detail = `${first?.file}:${first?.line}: ${first?.message}${more}; COUNTERSIGN_BUNDLE names its folder`;
  return [{ what, ok: false, detail }];
}

/** Paths that nobody can pass by, because too few people could approve a stage. */
const closedPaths = ({ unreachable }: LoadedBundle): readonly Finding[] =>
  unreachable.map(({ file, line, message }) => ({
    what: 'approval path',
    ok: false,
    detail: `${file}:${line}: ${message}`,
  }));

/** Whether tickets can be looked up. Offline, no ticket system is asked. */
async function ticketsOf(
  { COUNTERSIGN_TICKETS: file }: Context['settings'],
  isOffline: boolean,
): Promise<readonly Finding[]> {
  if (file === undefined) return [];
  const source = new FileTicketSource(file);
  const { what, problem } = isOffline
    ? { what: 'not asked', problem: await source.problem() }
    : await source.examine();
  return [{ what: 'tickets', ok: problem === undefined, detail: problem ?? `${file} (${what})` }];
}

/** Only a worker or a gateway needs addresses, and it needs all of them. The targets are asked after this. */
function addresses(connectors: readonly Declared[], env: Context['env']): Finding {
  const what = 'connectors and ledger';
  const names = connectors.map(({ name }) => name).join(', ');
  if (!hasAnySetting(connectors, env))
    return { what, ok: true, detail: `no address of ${names} is set here; a worker would need them` };
  const problems = addressProblems(connectors, env);
  if (problems.length === 0)
    return { what, ok: true, detail: `addresses of ${names} and the ledger are set` };
  return { what, ok: false, detail: problems.join('; ') };
}

/** Returns nothing if it has no address: that is said already. */
async function ledger(connectors: readonly Declared[], env: Context['env']): Promise<readonly Finding[]> {
  let url: string;
  try {
    url = ledgerAddress(connectors, env);
  } catch {
    return [];
  }
  const checks = await checkDatabase(url, LEDGER_TABLES);
  const wrong = checks.filter(({ ok }) => !ok).map(({ what, detail }) => `${what}: ${detail}`);
  return [{ what: 'ledger', ok: wrong.length === 0, detail: wrong.join('; ') || (checks[0]?.detail ?? '') }];
}

/** A ledger that would lie beside a target without an address is one problem, not two. */
function addressProblems(connectors: readonly Declared[], env: Context['env']): readonly string[] {
  const problems = connectorProblems(connectors, env);
  try {
    ledgerAddress(connectors, env);
    return problems;
  } catch (error) {
    return [...new Set([...problems, messageOf(error)])];
  }
}

/** Requests that wait and do not hold: somebody made them up, or policy has changed since. Says nothing if all of them hold. */
async function waitingRequests(context: Context, before: readonly Finding[]): Promise<readonly Finding[]> {
  if (!before.every(({ ok }) => ok)) return [];
  const what = 'requests that wait';
  try {
    const { withheld, isWhole } = await withClient(context, async (client) => {
      const verifier = await CliVerifier.open(context, client);
      return typeof verifier === 'string' ? { withheld: [], isWhole: true } : verifier.madeUp();
    });
    const more = isWhole ? '' : '; there are more than could be looked at in time';
    const wrong = withheld.filter(({ isSilent }) => !isSilent);
    const silent = withheld.length - wrong.length;
    if (wrong.length > 0) {
      const some = wrong.slice(0, 3).map(({ id, why }) => `${id} (${why})`);
      const detail = `${wrong.length} do not hold: ${some.join('; ')}; countersign request show ID, and look who writes to the namespace${more}`;
      return [{ what, ok: false, detail }];
    }
    return silent === 0 && isWhole
      ? []
      : [
          {
            what,
            ok: true,
            detail: `${silent} could not be verified, because no worker answered for them${more}`,
          },
        ];
  } catch (error) {
    return [{ what, ok: true, detail: `not verified: ${messageOf(error)}` }];
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
