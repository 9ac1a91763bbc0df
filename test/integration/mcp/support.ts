import type { Client } from '@modelcontextprotocol/client';
import { EnforcementPoint, type ExecutorEndpoint, HolderKey, serveExecutor } from '../../../src/enforcement';
import { migrationExecutor } from '../gateway/support/proposal';
import { selfSigned } from '../gateway/support/tokens';
import type { UpStack } from '../gateway/support/up-stack';

export const MIGRATE = 'changes:payments-schema#migrate';

export interface Said {
  readonly isError: boolean;
  // The agent reads JSON; a test asks of it what it needs.
  readonly [member: string]: unknown;
}

/** Calls a tool. Both forms of its answer say the same. */
export async function call(
  client: Client,
  name: string,
  given: Readonly<Record<string, unknown>> = {},
): Promise<Said> {
  const result = await client.callTool({ name, arguments: given });
  const structured = (result.structuredContent ?? {}) as Record<string, unknown>;
  const [block] = result.content as { type: string; text: string }[];
  if (result.structuredContent !== undefined) expect(JSON.parse(block?.text ?? '')).toEqual(structured);
  else structured['text'] = block?.text;
  return { ...structured, isError: result.isError === true };
}

/** Asks, and looks again where a slow machine was not done with it by the first answer. */
export async function ask(
  client: Client,
  name: string,
  given: Readonly<Record<string, unknown>>,
): Promise<Said> {
  const said = await call(client, name, given);
  const isPassing = ['submitted', 'assessing', 'approved', 'provisioning'].includes(String(said['status']));
  return isPassing ? call(client, 'wait', { request: said['request'], seconds: 40 }) : said;
}

export const migration = (table: string) => ({
  entitlement: MIGRATE,
  minutes: 10,
  reason: 'refunds need a table',
  tool: 'sql-migration',
  target: 'payments-schema',
  arguments: { statements: [`CREATE TABLE payments.${table} (id bigint PRIMARY KEY)`] },
  containment: 'stop the release',
  rollback: `DROP TABLE payments.${table}`,
});

export interface Migrator {
  readonly endpoint: ExecutorEndpoint;
  stop(): Promise<void>;
}

/** The identity that carries approved migrations out, with its own look at policy and evidence. */
export async function startMigrator(stack: UpStack, port = 0): Promise<Migrator> {
  const point = new EnforcementPoint({
    decisionPoint: stack.url,
    accessToken: async () => selfSigned('service/migrator', await stack.key('service/migrator'), stack.url),
    holderKey: await HolderKey.make(),
  });
  const executor = await migrationExecutor(stack, point);
  const endpoint = await serveExecutor(executor, { port });
  return {
    endpoint,
    stop: async () => {
      await endpoint.stop();
      await executor.close();
    },
  };
}
