import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { exampleKeyFile } from '../../src/stack/example-bundle';
import { UpStack } from '../integration/gateway/support/up-stack';
import { eventuallyTrue } from '../support/harness-wait';

const COMMAND = path.resolve(__dirname, '../../bin/countersign.js');

/** An MCP server that says with which credentials it was started. */
const SERVER = `
  const { GRANT_ACCOUNT: account, GRANT_ENTITLEMENT: entitlement } = process.env;
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method } = JSON.parse(line);
    if (id === undefined) return;
    const result = method === 'tools/list' ? { tools: [{ name: 'whoami', inputSchema: { type: 'object' } }] }
      : method === 'tools/call' ? { content: [{ type: 'text', text: account + ' ' + entitlement }] }
      : { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'whoami', version: '1' } };
    process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
  });
`;

let stack: UpStack;
let dir: string;
let gate: ChildProcess | undefined;
beforeAll(async () => {
  stack = await UpStack.start();
  dir = mkdtempSync(path.join(tmpdir(), 'countersign-gate-lease-'));
}, 180_000);
afterAll(async () => {
  gate?.kill('SIGKILL');
  await stack?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const holds = async (account: string): Promise<boolean> => {
  const [row] = await stack.query("SELECT pg_has_role($1, 'reporting_read', 'MEMBER') AS held", [account]);
  return row?.['held'] === true;
};

test('GAT-1 a server that the gate starts with "run" has access for as long as it runs, and the agent none of it', async () => {
  const keyOf = (identity: string) => exampleKeyFile(stack.stateDir, identity);
  // The server's own identity asks. Policy lets it read the reports by itself.
  const lease = [
    COMMAND,
    'run',
    '--as',
    'agent/atlas',
    '--key',
    keyOf('agent/atlas'),
    '--gateway',
    stack.url,
  ];
  const wanted = [
    '--entitlement',
    'warehouse:reporting#read',
    '--for',
    '5m',
    '--reason',
    'the reports server',
  ];
  const server = [process.execPath, ...lease, ...wanted, '--', process.execPath, '-e', SERVER];
  const who = ['--as', 'service/reconciliation', '--key', keyOf('service/reconciliation')];
  const executor = ['--executor-as', 'service/gate', '--executor-key', keyOf('service/gate')];
  const options = [
    '--server',
    'reports',
    '--observe',
    '--gateway',
    stack.url,
    '--log-dir',
    path.join(dir, 'log'),
  ];
  const started = spawn(
    process.execPath,
    [
      COMMAND,
      'gate',
      ...who,
      ...executor,
      ...options,
      '--bundle',
      path.join(stack.stateDir, 'bundle'),
      '--',
      ...server,
    ],
    {
      cwd: dir,
      env: { ...process.env, COUNTERSIGN_STATE_DIR: stack.stateDir },
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
  gate = started;
  let said = '';
  started.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const lines: string[] = [];
  createInterface({ input: started.stdout }).on('line', (line) => lines.push(line));
  const ask = async (id: number, method: string, params: object) => {
    started.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    await eventuallyTrue(`an answer: ${said}`, async () => lines.length === id, 60_000);
    return lines[id - 1];
  };
  await ask(1, 'initialize', {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'x', version: '1' },
  });
  expect(await ask(2, 'tools/call', { name: 'whoami', arguments: {} })).toContain(
    'atlas_agent warehouse:reporting#read',
  );
  expect(await holds('atlas_agent')).toBe(true);
  const ended = once(started, 'exit');
  started.stdin.end();
  await ended;
  await eventuallyTrue('the access is gone', async () => !(await holds('atlas_agent')), 60_000);
}, 180_000);
