import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { Command } from 'commander';
import { addressProblems, hasAnyAddress } from '../connectors';
import { SEARCH_ATTRIBUTES } from '../contracts/names';
import { describeSettings } from '../contracts/settings';
import { FileTicketSource, loadBundle } from '../policy';
import { locateTemporalBinary } from '../stack/temporal-binary';
import type { Context } from './context';
import { done, failed, type Outcome } from './output';

interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** `countersign doctor` */
export function registerDoctor(
  program: Command,
  run: (work: (context: Context) => Promise<Outcome>) => void,
): void {
  program
    .command('doctor')
    .description('check what countersign needs here, and list its settings')
    .action(() => run(examine));
}

async function examine({ settings, env }: Context): Promise<Outcome> {
  const findings = [
    nodeVersion(),
    temporalBinary(),
    ...(await bundle(settings, env)),
    await temporalServer(),
  ];
  const list = describeSettings().map(({ name, purpose }) => ({
    name,
    purpose,
    set: env[name] !== undefined,
  }));
  const lines = [
    ...findings.map(({ what, ok, detail }) => `${ok ? 'ok  ' : 'FAIL'}  ${what}: ${detail}`),
    'settings:',
    ...list.map(({ name, purpose, set }) => `  ${name}${set ? ' (set)' : ''}: ${purpose}`),
  ];
  const data = { findings, settings: list };
  const missing = findings.filter(({ ok }) => !ok).map(({ what }) => what);
  if (missing.length === 0) return done(data, ...lines);
  return failed({ code: 'NOT_READY', message: `not ready here: ${missing.join(', ')}` }, data, ...lines);
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

/** The bundle, and whether all that it declares has an address here. */
async function bundle(
  settings: Context['settings'],
  env: Context['env'],
): Promise<readonly [Finding, ...Finding[]]> {
  const what = 'policy bundle';
  const dir = settings.COUNTERSIGN_BUNDLE;
  const loaded = await loadBundle(dir, new FileTicketSource(settings.COUNTERSIGN_TICKETS));
  if (loaded.ok)
    return [
      { what, ok: true, detail: `${dir}, policy ${loaded.bundle.policy.digest}` },
      addresses(loaded.bundle.connectors, env),
    ];
  const [first, ...others] = loaded.problems;
  const more = others.length === 0 ? '' : ` (and ${others.length} more: countersign policy check)`;
  const detail = `${first?.file}:${first?.line}: ${first?.message}${more}; COUNTERSIGN_BUNDLE names its folder`;
  return [{ what, ok: false, detail }];
}

/** Only a worker or a gateway needs addresses, and it needs all of them. Nothing is called here. */
function addresses(connectors: Parameters<typeof addressProblems>[0], env: Context['env']): Finding {
  const what = 'connectors and ledger';
  const names = connectors.map(({ name }) => name).join(', ');
  if (!hasAnyAddress(connectors, env))
    return { what, ok: true, detail: `no address of ${names} is set here; a worker would need them` };
  const problems = addressProblems(connectors, env);
  if (problems.length === 0)
    return { what, ok: true, detail: `addresses of ${names} and the ledger are set` };
  return { what, ok: false, detail: problems.join('; ') };
}

async function temporalServer(): Promise<Finding> {
  const what = 'Temporal server';
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const address = connectionOptions.address ?? '127.0.0.1:7233';
  try {
    const connection = await Connection.connect({ connectTimeout: '3s', ...connectionOptions });
    try {
      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
      const missing = Object.keys(SEARCH_ATTRIBUTES).filter((name) => !(name in (customAttributes ?? {})));
      if (missing.length > 0)
        return {
          what,
          ok: false,
          detail: `${address}: register the search attributes ${missing.join(', ')}`,
        };
      return { what, ok: true, detail: `${address}, namespace ${namespace}, search attributes registered` };
    } finally {
      await connection.close();
    }
  } catch {
    return {
      what,
      ok: false,
      detail: `${address} does not answer; start one with countersign up, or set TEMPORAL_ADDRESS`,
    };
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
