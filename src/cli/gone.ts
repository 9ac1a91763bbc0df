import type { CountersignClient } from '../client';
import { createConnectors } from '../connectors';
import type { LeaseRecord } from '../connectors/contract';
import { addressVariable, isSet } from '../connectors/settings';
import { CountersignError } from '../contracts/error';
import type { WorkflowBreak } from '../contracts/snapshot';
import { requestDigest } from '../domain/digest';
import { ledgerAddress, PostgresqlLedger } from '../ledger';
import type { RecordedGrant } from '../ledger/postgresql-ledger';
import { FileTicketSource, loadBundle } from '../policy';
import type { ConnectorDeclaration } from '../policy/bundle';
import type { Context } from './context';

/** What happened to a workflow from outside. `replaced`: another request has its id now. */
type Gone = WorkflowBreak | 'deleted' | 'replaced';

/** What ledger and targets still know of a request whose workflow is gone. */
export interface Remains {
  readonly workflow: Gone;
  readonly lease?: {
    readonly connector: string;
    readonly account: string;
    readonly grantedAtMs: number;
    readonly expiresAtMs: number;
    readonly endedAtMs?: number;
    /** Whether the target has the access at this moment. */
    readonly present: boolean;
  };
  /** What the ledger has of it, where no target could be asked. */
  readonly grant?: { readonly connector: string; readonly expiresAtMs: number; readonly overAtMs?: number };
  /** Stores that could not be asked. */
  readonly notAsked: readonly string[];
}

/**
 * Looks for what became of a request's access if its workflow does not tell: it was ended from outside, deleted, or replaced by
 * another one of the same id. Undefined if the workflow runs or ended by itself, and is the one that target and ledger know.
 *
 * @param digest what the workflow says of itself; undefined if there is none
 */
export async function remainsOf(
  id: string,
  digest: string | undefined,
  client: Pick<CountersignClient, 'breakOf' | 'submissionOf'>,
  context: Context,
): Promise<Remains | undefined> {
  const broken = await client.breakOf(id).catch((error: unknown) => {
    if (error instanceof CountersignError && error.code === 'NOT_FOUND') return 'deleted' as const;
    throw error;
  });
  const declared = await connectorsOf(context);
  const { grants, problem } = await grantsOf(id, declared, context);
  const own =
    digest ?? (broken === undefined && grants.length > 0 ? await submittedDigest(id, client) : undefined);
  const other = own === undefined ? undefined : grants.find((one) => one.digest !== own);
  const workflow = broken ?? (other === undefined ? undefined : 'replaced');
  if (workflow === undefined) return undefined;
  const { record, notAsked } = await leaseOf(id, declared, grants, context);
  const grant = other ?? grants[0];
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

/** The digest of what was submitted under this id. What is no submission is not the request that the ledger knows. */
async function submittedDigest(
  id: string,
  client: Pick<CountersignClient, 'submissionOf'>,
): Promise<string | undefined> {
  try {
    return requestDigest((await client.submissionOf(id)).request);
  } catch (error) {
    if (error instanceof CountersignError && error.code === 'INVALID_REQUEST') return 'none';
    return undefined;
  }
}

/** Says in lines what became of the request and its access. */
export function* sayRemains({ workflow, lease, grant, notAsked }: Remains, nowMs: number): Generator<string> {
  yield `  THE WORKFLOW IS GONE: ${WHAT[workflow]}; ${accessOf({ lease, grant }, nowMs)}`;
  for (const store of notAsked) yield `  not asked: ${store}`;
}

const WHAT: Readonly<Record<Gone, string>> = {
  terminated: 'somebody terminated it',
  cancelled: 'somebody cancelled it from outside',
  failed: 'it failed',
  timed_out: 'it timed out',
  deleted: 'somebody deleted it, or the server has forgotten it',
  replaced: 'another request has its id now, and what is shown is that one',
};

function accessOf(
  { lease, grant }: { lease: Remains['lease']; grant: Remains['grant'] },
  nowMs: number,
): string {
  if (lease === undefined && grant === undefined) return 'no access is on record';
  if (lease === undefined) {
    if (grant?.overAtMs !== undefined) return `access ended at ${iso(grant.overAtMs)}, says the ledger`;
    const ends = grant?.expiresAtMs ?? nowMs;
    return `the ledger has a grant on ${grant?.connector} that ${ends <= nowMs ? 'ended' : 'ends'} at ${iso(ends)} at the latest; the target was not asked`;
  }
  const { connector, account, endedAtMs, expiresAtMs, present } = lease;
  if (endedAtMs !== undefined) return `access of ${account} on ${connector} ended at ${iso(endedAtMs)}`;
  if (!present)
    return `${account} no longer has it on ${connector}, though its lease goes on to ${iso(expiresAtMs)}`;
  return expiresAtMs <= nowMs
    ? `${account} STILL HAS ACCESS on ${connector} past its end, ${iso(expiresAtMs)}; a worker's reconciler ends it`
    : `${account} has access on ${connector} until ${iso(expiresAtMs)}; a worker's reconciler ends it then`;
}

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

const iso = (atMs: number): string => new Date(atMs).toISOString();
