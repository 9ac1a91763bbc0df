import type { CountersignClient } from '../client';
import { createConnectors } from '../connectors';
import type { LeaseRecord } from '../connectors/contract';
import { addressVariable, isSet } from '../connectors/settings';
import type { RecordedGrant } from '../domain/precedents';
import { ledgerAddress, PostgresqlLedger } from '../ledger';
import { FileTicketSource, loadBundle } from '../policy';
import type { ConnectorDeclaration } from '../policy/bundle';
import { findGone, type Remains, sayGone } from '../verified/gone';
import type { Context } from './context';

/**
 * Looks for what became of a request's access if its workflow does not tell. Undefined if the workflow runs or ended by itself, and is
 * the one that target and ledger know.
 *
 * @param digest what the workflow says of itself; undefined if there is none
 */
export async function remainsOf(
  id: string,
  digest: string | undefined,
  client: Pick<CountersignClient, 'breakOf' | 'submissionOf'>,
  context: Context,
): Promise<Remains | undefined> {
  const declared = await connectorsOf(context);
  const { grants, problem } = await grantsOf(id, declared, context);
  const gone = await findGone(id, digest, client, grants);
  if (gone === undefined) return undefined;
  const { workflow, grant } = gone;
  const { record, notAsked } = await leaseOf(id, declared, grants, context);
  return {
    workflow,
    ...(record && { lease: record }),
    ...(grant &&
      record === undefined && {
        grant: {
          connector: grant.connector,
          expiresAtMs: grant.expiresAtMs,
          ...(grant.overAtMs !== undefined && { overAtMs: grant.overAtMs }),
        },
      }),
    notAsked: [...(problem === undefined ? [] : [problem]), ...notAsked],
  };
}

/** Says in lines what became of the request and its access. */
export function* sayRemains(remains: Remains, nowMs: number): Generator<string> {
  yield goneLine(sayGone(remains, nowMs));
  for (const store of remains.notAsked) yield `  not asked: ${store}`;
}

/** @param what became of the workflow and its access, in a sentence */
export const goneLine = (what: string): string => `  THE WORKFLOW IS GONE: ${what}`;

async function connectorsOf({ settings }: Context): Promise<readonly ConnectorDeclaration[]> {
  const loaded = await loadBundle(settings.COUNTERSIGN_BUNDLE, new FileTicketSource(undefined));
  return loaded.ok ? loaded.bundle.connectors : [];
}

async function grantsOf(
  id: string,
  declared: readonly ConnectorDeclaration[],
  { env }: Context,
): Promise<{ readonly grants: readonly RecordedGrant[]; readonly problem?: string }> {
  let url: string;
  try {
    url = ledgerAddress(declared, env);
  } catch {
    return { grants: [], problem: 'the ledger (no address is set here)' };
  }
  const ledger = new PostgresqlLedger({ url, maxConnections: 1 });
  try {
    return { grants: await ledger.grantsOf(id) };
  } catch {
    return { grants: [], problem: 'the ledger (it does not answer)' };
  } finally {
    await ledger.close();
  }
}

/** Asks the targets of the grants on record, or all that are set here if the ledger knows none. */
async function leaseOf(
  id: string,
  declared: readonly ConnectorDeclaration[],
  grants: readonly RecordedGrant[],
  { env }: Context,
): Promise<{ readonly record?: NonNullable<Remains['lease']>; readonly notAsked: readonly string[] }> {
  const named = new Set(grants.map(({ connector }) => connector));
  const concerned = declared.filter(({ name }) => named.size === 0 || named.has(name));
  const notAsked: string[] = [];
  for (const { name } of concerned) {
    if (!isSet(addressVariable(name), env)) {
      notAsked.push(`the target ${name} (no address is set here)`);
      continue;
    }
    try {
      const found = await leaseOn(name, id, declared, env);
      if (found !== undefined) return { record: lastOf(name, found), notAsked };
    } catch {
      notAsked.push(`the target ${name} (it does not answer)`);
    }
  }
  return { notAsked };
}

async function leaseOn(
  name: string,
  id: string,
  declared: readonly ConnectorDeclaration[],
  env: Context['env'],
): Promise<LeaseRecord | undefined> {
  const connectors = await createConnectors(
    declared.filter((one) => one.name === name),
    env,
  );
  const connector = connectors.get(name);
  if (connector === undefined) return undefined;
  try {
    for (const scope of ['alive', 'all'] as const) {
      const { leases } = await connector.list(scope);
      const record = leases.find((lease) => lease.id === id && lease.account !== '');
      if (record !== undefined) return record;
    }
    return undefined;
  } finally {
    await connector.close();
  }
}

const lastOf = (
  connector: string,
  { account, grantedAtMs, expiresAtMs, ended, present }: LeaseRecord,
): NonNullable<Remains['lease']> => ({
  ...{ connector, account, grantedAtMs, expiresAtMs, present },
  ...(ended && { endedAtMs: ended.atMs }),
});
