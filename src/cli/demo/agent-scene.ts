import path from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { Client as PostgresClient } from 'pg';
import {
  byKey,
  type ExecutorEndpoint,
  MigrationExecutor,
  Requester,
  serveExecutor,
  TokenCheck,
} from '../../enforcement';
import { createBundleSource, FileTicketSource } from '../../policy';
import { SignedDirectory } from '../../signing/signed-directory';
import { exampleKeyFile } from '../../stack/example-bundle';
import { MIGRATION_LOGIN } from '../../stack/target-ready';
import type { Stack } from '../../stack/up';
import { findSigningKey } from '../keys-lookup';
import type { Cast } from './cast';
import type { Script } from './steps';

const AGENT = 'agent/atlas';
const EXECUTOR = 'service/migrator';
const MIGRATES_AS = 'payments_schema_owner';
const STATEMENT = 'CREATE TABLE payments.refund (id bigint PRIMARY KEY)';

/** An AI agent at its own front door: tries, is denied, asks, is stopped and told the safe way, has it approved, acts once. */
export async function agentAtFrontDoor(stack: Stack, cast: Cast, script: Script): Promise<void> {
  script.scene('8  An AI agent, by its own tool protocol (APB-7, AGE-1, AGE-2, FRI-2)');
  const gateway = stack.gatewayUrl ?? '';
  const { endpoint, stop } = await startExecutor(stack, gateway);
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
    await tell(client, stack, cast, script);
  } finally {
    await client.close();
    await stop();
  }
}

async function tell(client: Client, stack: Stack, cast: Cast, script: Script): Promise<void> {
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

/** The change by the agent's own account, past everybody. */
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

/** The one that carries approved migrations out. It is another identity than the agent, with its own look at the policy. */
async function startExecutor(
  stack: Stack,
  gateway: string,
): Promise<{ readonly endpoint: ExecutorEndpoint; stop(): Promise<void> }> {
  const key = await findSigningKey(EXECUTOR, undefined, stack.stateDir);
  const itself = await Requester.at({ gateway, voice: byKey(EXECUTOR, key, gateway) });
  const logger = { info: () => undefined, error: () => undefined };
  const tickets = new FileTicketSource(stack.ticketsFile);
  const bundles = await createBundleSource(stack.bundleDir, { tickets, logger });
  const executor = new MigrationExecutor({
    ledgerUrl: stack.targetUrl,
    loginOf: (role) => (role === MIGRATES_AS ? stack.targetUrlFor(MIGRATION_LOGIN) : undefined),
    audience: EXECUTOR,
    authority: async () => {
      const { directory, policy } = await bundles.current();
      return { directory: new SignedDirectory(directory), policy };
    },
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
