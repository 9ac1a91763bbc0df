import path from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as PostgresClient } from 'pg';
import { SILENT_LOGGER } from '../../../contracts/logger';
import {
  byKey,
  type ExecutorEndpoint,
  MigrationExecutor,
  Requester,
  serveExecutor,
  TokenCheck,
} from '../../../enforcement';
import { authorityOver, createBundleSource, FileTicketSource } from '../../../policy';
import { exampleKeyFile } from '../../../stack/example-bundle';
import { MIGRATION_LOGIN } from '../../../stack/target-ready';
import type { Stack } from '../../../stack/up';
import type { Cast } from '../cast';
import type { Demo } from '../demo';
import type { Script } from '../steps';

const AGENT = 'agent/atlas';
const EXECUTOR = 'service/migrator';
const MIGRATES_AS = 'payments_schema_owner';
const STATEMENT = 'CREATE TABLE payments.refund (id bigint PRIMARY KEY)';

/** An AI agent uses its own protocol: it is denied, hard stopped with the safe way, then approved, and acts exactly once. */
export async function agentAtFrontDoor({ stack, cast, script }: Demo): Promise<void> {
  script.scene('8  An AI agent, by its own tool protocol (APB-7, AGE-1, AGE-2, FRI-2)');
  const gateway = stack.gatewayUrl ?? '';
  const { endpoint, stop } = await startExecutor(stack, cast, gateway);
  const client = new Client({ name: 'demo-agent', version: '1' });
  try {
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [
          ...[path.resolve(process.argv[1] ?? ''), 'mcp', '--as', AGENT, '--gateway', gateway],
          ...['--key', exampleKeyFile(stack.stateDir, AGENT), '--executor', endpoint.url],
        ],
        stderr: 'ignore',
      }),
    );
    await play(client, stack, cast, script);
  } finally {
    await client.close();
    await stop();
  }
}

async function play(client: Client, stack: Stack, cast: Cast, script: Script): Promise<void> {
  script.check('it tries by itself', 'denied by the database', await tryAlone(stack));
  const unsafe = await call(client, 'request_access', {
    entitlement: 'countersign:leases#exempt',
    minutes: 60,
    reason: 'keep my access, just this once',
  });
  script.check('it asks for the unsafe way', 'hard_stopped', String(unsafe['status']));
  script.check(
    'it is told the safe way',
    'Ask for the access again when it is needed; the approvers answer within the hour.',
    String(unsafe['safe_way']),
  );
  const proposed = await call(client, 'propose_action', {
    entitlement: 'changes:payments-schema#migrate',
    ...{ minutes: 10, reason: 'refunds need a table', tool: 'sql-migration', target: 'payments-schema' },
    arguments: { statements: [STATEMENT] },
    ...{ containment: 'stop the release', rollback: 'DROP TABLE payments.refund' },
  });
  script.check('it proposes the exact change', 'awaiting_approval', String(proposed['status']));
  const request = String(proposed['request']);
  const early = await call(client, 'execute', { request });
  script.check('it executes before sign-off', 'NOT_AUTHORISED', String(early['error']));
  const { tools } = await client.listTools();
  const approving = tools.filter(({ name }) => /approve|confirm|sign|deny|reroute/.test(name)).length;
  script.check('tools by which it could approve', '0', String(approving));
  const asked = await cast.adopt(request);
  script.check('an owner approves', 'accepted', await cast.say('person/aiko', 'approve', asked));
  const waited = await call(client, 'wait', { request, seconds: 30 });
  script.check('it has waited', 'active', String(waited['status']));
  const executed = await call(client, 'execute', { request });
  script.check('it is executed', 'succeeded', String(executed['outcome']));
  script.check('the table is there', 'present', await tableIs(stack));
  const again = await call(client, 'execute', { request });
  script.check('it executes again', 'refused', 'error' in again ? 'refused' : String(again['outcome']));
}

async function call(client: Client, name: string, given: Readonly<Record<string, unknown>>) {
  const { structuredContent } = await client.callTool({ name, arguments: given });
  return typeof structuredContent === 'object' && structuredContent !== null
    ? (structuredContent as Readonly<Record<string, unknown>>)
    : {};
}

/** The agent tries the change with its own account, without asking. */
async function tryAlone(stack: Stack): Promise<string> {
  const database = new PostgresClient({ connectionString: stack.targetUrlFor('atlas_agent') });
  await database.connect();
  try {
    await database.query(STATEMENT);
    return 'done';
  } catch (error) {
    const isDenied = error instanceof Error && 'code' in error && error.code === '42501';
    return isDenied ? 'denied by the database' : String(error);
  } finally {
    await database.end();
  }
}

async function tableIs(stack: Stack): Promise<string> {
  const database = new PostgresClient({ connectionString: stack.targetUrl });
  await database.connect();
  try {
    const { rows } = await database.query<{ found: boolean }>(
      "SELECT to_regclass('payments.refund') IS NOT NULL AS found",
    );
    return rows[0]?.found ? 'present' : 'absent';
  } finally {
    await database.end();
  }
}

/** Starts the executor of approved migrations. It is another identity than the agent and reads the policy itself. */
async function startExecutor(
  stack: Stack,
  cast: Cast,
  gateway: string,
): Promise<{ readonly endpoint: ExecutorEndpoint; stop(): Promise<void> }> {
  const key = await cast.keyOf(EXECUTOR);
  const itself = await Requester.at({ gateway, credential: byKey(EXECUTOR, key, gateway) });
  const logger = SILENT_LOGGER;
  const tickets = new FileTicketSource(stack.ticketsFile);
  const bundles = await createBundleSource(stack.bundleDir, { tickets, logger });
  const executor = new MigrationExecutor({
    tokenUsesUrl: stack.targetUrl,
    loginOf: (role) => (role === MIGRATES_AS ? stack.targetUrlFor(MIGRATION_LOGIN) : undefined),
    audience: EXECUTOR,
    authority: authorityOver(bundles),
    evidence: (requestId) => itself.evidence(requestId),
    tokens: new TokenCheck({ issuer: gateway }),
    report: (...said) => itself.reportOutcome(...said),
  });
  const endpoint = await serveExecutor(executor, { port: 0 });
  return {
    endpoint,
    stop: async () => {
      await endpoint.stop();
      await executor.close();
    },
  };
}
