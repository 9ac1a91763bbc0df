import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { NativeConnection } from '@temporalio/worker';
import type { Connector, ProvisionResult } from '../src/connectors/contract';
import { SILENT_LOGGER } from '../src/contracts/logger';
import { workflowIdOf } from '../src/contracts/names';
import { requestDigest } from '../src/domain/digest';
import type { Ledger } from '../src/domain/precedents';
import type { AccessRequest } from '../src/domain/request';
import { createBundleSource, FileTicketSource } from '../src/policy';
import { WORKFLOW_BUNDLE_FILE } from '../src/project';
import { readKeyFile, type SigningKey } from '../src/signing/keys';
import { signStatement, signSubmission } from '../src/signing/sign';
import { exampleKeyFile } from '../src/stack/example-bundle';
import { createWorker } from '../src/worker';
import { Grants } from './granted';
import type { Life, Side } from './side';

export interface CountersignPlace {
  readonly connection: NativeConnection;
  readonly stateDir: string;
  readonly bundleDir: string;
}

const GRANT_MS = 3_600_000;

/** A connector that only reports when it was called. */
class NoTarget implements Connector {
  overdue = async () => [];
  list = async () => ({ leases: [], drift: [] });
  withReconcilerLock = async () => false;
  close = async () => undefined;
  revoke = async () => ({ accessRemoved: true });

  async provision({ terms }: Parameters<Connector['provision']>[0]): Promise<ProvisionResult> {
    const grantedAtMs = Date.now();
    const { leaseId: id, durationMs, binding } = terms;
    const lease = { id, account: binding.account, grantedAtMs, expiresAtMs: grantedAtMs + durationMs };
    return { outcome: 'granted', lease };
  }
}

/** A Countersign request with a single approver: real policy, real signatures, real proof. */
export async function countersignSide(
  place: CountersignPlace,
  target: Connector = new NoTarget(),
  ledger?: Ledger,
): Promise<Side> {
  const { connection, stateDir, bundleDir } = place;
  const grants = new Grants();
  const watched = watch(target, grants);
  const logger = SILENT_LOGGER;
  const bundles = await createBundleSource(bundleDir, { tickets: new FileTicketSource(undefined), logger });
  return {
    name: target instanceof NoTarget ? 'countersign' : 'countersign with PostgreSQL',
    bundle: { code: readFileSync(WORKFLOW_BUNDLE_FILE, 'utf8'), sourceMap: '' },
    converterPath: require.resolve('../src/workflows/payload-converter'),
    createWorker: (debugMode = false) =>
      createWorker({
        connection,
        namespace: 'default',
        taskQueue: 'countersign',
        bundles,
        connectors: new Map([['warehouse', watched]]),
        ...(ledger && { ledger }),
        maxCachedWorkflows: 5_000,
        debugMode,
      }),
    prepare: async (count) => {
      const [requester, approver] = await Promise.all([
        key(stateDir, 'ci/payments'),
        key(stateDir, 'person/mira'),
      ]);
      return Promise.all(Array.from({ length: count }, () => life(requester, approver, grants)));
    },
  };
}

async function life(requester: SigningKey, approver: SigningKey, grants: Grants): Promise<Life> {
  const request: AccessRequest = {
    id: randomUUID(),
    kind: 'access',
    requester: 'ci/payments',
    beneficiary: 'ci/payments',
    entitlement: { connector: 'warehouse', resource: 'payments', action: 'write' },
    durationMs: GRANT_MS,
    emergency: false,
    reason: 'bench',
    onBehalfOf: [],
    submittedAtMs: Date.now(),
  };
  const submission = await signSubmission(request, requester);
  const draft = {
    verb: 'approve' as const,
    stage: 'owner',
    request: request.id,
    digest: requestDigest(request),
    revision: 0,
  };
  const approval = await signStatement(draft, 'person/mira', approver, {
    nowMs: Date.now(),
    lifeMs: GRANT_MS,
  });
  const workflowId = workflowIdOf(request.id);
  return {
    id: request.id,
    workflowId,
    start: async (client) => {
      await client.workflow.start('accessRequest', {
        workflowId,
        taskQueue: 'countersign',
        args: [submission],
      });
    },
    decide: (client) => client.workflow.getHandle(workflowId).signal('approve', approval),
    granted: () => grants.of(request.id),
  };
}

/** The connector itself, reporting when it has given access. */
function watch(target: Connector, grants: Grants): Connector {
  return {
    overdue: (atMs) => target.overdue(atMs),
    list: (scope, governed) => target.list(scope, governed),
    withReconcilerLock: (work) => target.withReconcilerLock(work),
    revoke: (leaseId, reason, cause) => target.revoke(leaseId, reason, cause),
    close: () => target.close(),
    provision: async (authorisation) => {
      const outcome = await target.provision(authorisation);
      if (outcome.outcome === 'granted') grants.report(authorisation.terms.leaseId);
      return outcome;
    },
  };
}

async function key(stateDir: string, principal: string): Promise<SigningKey> {
  return readKeyFile(exampleKeyFile(stateDir, principal));
}
