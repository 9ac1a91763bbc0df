import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { addressVariable } from '../../../src/connectors/settings';
import { SEARCH_ATTRIBUTES } from '../../../src/contracts/names';
import { FileTicketSource, loadBundle } from '../../../src/policy';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { eventually } from '../../support/harness-wait';
import { startTestServer, type TestServer } from '../../support/temporal';

const COMMAND = path.resolve(__dirname, '../../../bin/countersign.js');
const ALL = Object.keys(SEARCH_ATTRIBUTES);
const KEYWORD = 2;

let server: TestServer;
let connection: Connection;
let worker: ChildProcess | undefined;
beforeAll(async () => {
  server = await startTestServer();
  connection = await Connection.connect({ address: server.address });
}, 120_000);
afterAll(async () => {
  worker?.kill('SIGKILL');
  await connection?.close();
  await server?.stop();
});

/** Makes a namespace that nobody has set up. */
async function bareNamespace(namespace: string): Promise<string> {
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as unknown as Long },
  });
  await eventually('the namespace is known', async () => {
    const known = await connection.operatorService.listSearchAttributes({ namespace }).catch(() => undefined);
    return known === undefined ? undefined : true;
  });
  return namespace;
}
type Long = NonNullable<
  NonNullable<
    Parameters<Connection['workflowService']['registerNamespace']>[0]['workflowExecutionRetentionPeriod']
  >['seconds']
>;

const environment = (namespace: string) => {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME, TEMPORAL_ADDRESS: server.address, TEMPORAL_NAMESPACE: namespace };
};

const countersign = (namespace: string, ...args: readonly string[]) =>
  new Promise<{ code: number; out: string; err: string }>((resolve) =>
    execFile(process.execPath, [COMMAND, ...args], { env: environment(namespace) }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    ),
  );

/** What a worker writes that has no target to reach, until it says this. */
async function workerSays(namespace: string, what: RegExp): Promise<string> {
  const loaded = await loadBundle(EXAMPLE_BUNDLE_DIR, new FileTicketSource(undefined));
  if (!loaded.ok) throw new Error('the example bundle cannot be read');
  const nowhere = 'postgres://countersign@127.0.0.1:1/nowhere';
  const targets = loaded.bundle.connectors.map(({ name }) => [addressVariable(name), nowhere]);
  const env = {
    ...environment(namespace),
    COUNTERSIGN_BUNDLE: EXAMPLE_BUNDLE_DIR,
    COUNTERSIGN_LEDGER_URL: nowhere,
    COUNTERSIGN_REGISTER_URL: nowhere,
    ...Object.fromEntries(targets),
  };
  const child = spawn(process.execPath, [COMMAND, 'worker'], { env });
  worker = child;
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (said += chunk));
  try {
    await eventually(
      `the worker says ${what}`,
      async () => {
        if (child.exitCode !== null) throw new Error(`the worker ended: ${said}`);
        return what.test(said) ? true : undefined;
      },
      120_000,
    ).catch((error: unknown) => {
      throw new Error(`${error instanceof Error ? error.message : ''}; it said: ${said}`);
    });
    return said;
  } finally {
    child.kill('SIGKILL');
    if (child.exitCode === null) await once(child, 'exit');
  }
}

describe('TGT-4, SHP-2 a namespace without our search attributes is found out and set up', () => {
  test('a worker says which are missing and what to do; setup registers them, once; then it says nothing', async () => {
    const namespace = await bareNamespace('bare');
    const said = await workerSays(namespace, /search attributes/);
    for (const name of ALL) expect(said).toContain(name);
    expect(said).toContain('countersign setup temporal');
    const first = await countersign(namespace, 'setup', 'temporal', '--json');
    expect([first.code, JSON.parse(first.out)]).toEqual([0, { namespace, registered: ALL, otherType: [] }]);
    const again = await countersign(namespace, 'setup', 'temporal', '--json');
    expect([again.code, JSON.parse(again.out)]).toEqual([0, { namespace, registered: [], otherType: [] }]);
    expect(await workerSays(namespace, /"msg":/)).not.toMatch(/search attributes [A-Z]/);
  }, 400_000);

  test('one that has another type is named, and the others are registered all the same', async () => {
    const namespace = await bareNamespace('mixed');
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: { CountersignEmergency: KEYWORD },
    });
    const { code, err, out } = await countersign(namespace, 'setup', 'temporal', '--json');
    expect([code, err]).toEqual([1, expect.stringMatching(/CountersignEmergency.*another type/)]);
    expect(JSON.parse(out)).toMatchObject({ otherType: ['CountersignEmergency'] });
    expect(JSON.parse(out).registered).toHaveLength(ALL.length - 1);
  }, 60_000);

  test('--print connects to nothing', async () => {
    const { PATH = '', HOME = '' } = process.env;
    const env = { PATH, HOME, TEMPORAL_ADDRESS: '127.0.0.1:1', TEMPORAL_NAMESPACE: 'prod' };
    const out = await new Promise<string>((resolve, reject) =>
      execFile(process.execPath, [COMMAND, 'setup', 'temporal', '--print'], { env }, (error, text) =>
        error === null ? resolve(text) : reject(error),
      ),
    );
    const lines = out.trim().split('\n');
    expect(lines).toHaveLength(ALL.length);
    expect(lines).toContain(
      'temporal operator search-attribute create --namespace prod --name CountersignAwaiting --type KeywordList',
    );
  });
});
