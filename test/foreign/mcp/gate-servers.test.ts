import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { GateStack } from '../../integration/gate/support';
import { nodeRelease } from '../../support/node-release';
import { startPostgres, type TestPostgres } from '../../support/postgres';
import { inspector } from '../support/inspector';
import { npmTools, runProgram } from '../support/npm-tools';
import { pythonTools } from '../support/python-tools';

/*
 * Public MCP servers as npm and PyPI have them, behind the gate with the bundle of the example. Everything but calls that are held is, byte
 * for byte, what the server says to a client without a gate.
 */

jest.setTimeout(300_000);

let stack: GateStack;
let postgres: TestPostgres;
let repository: string;
let files: string;
beforeAll(async () => {
  stack = await GateStack.start();
  postgres = await startPostgres();
  await postgres.query("CREATE TABLE sales AS SELECT 'north' AS region, 12.50::numeric AS total");
  repository = path.join(stack.root, 'repository');
  const git = (...args: readonly string[]) =>
    execFileSync('git', [
      '-C',
      repository,
      '-c',
      'user.name=Lena',
      '-c',
      'user.email=l@example.com',
      ...args,
    ]);
  execFileSync('git', ['init', '-q', '-b', 'main', repository]);
  writeFileSync(path.join(repository, 'räksmörgås.txt'), 'one\n');
  git('add', '.');
  git('commit', '-qm', 'First, “quoted”');
  files = path.join(stack.root, 'files');
  mkdirSync(path.join(files, 'drafts'), { recursive: true });
  writeFileSync(path.join(files, 'notes.txt'), 'what I know\u2028 and more\n');
}, 300_000);
afterAll(async () => {
  postgres?.stop();
  await stack?.stop();
});

const packageOf = (name: string) => path.join(npmTools(), 'node_modules/@modelcontextprotocol', name);
const SERVERS = {
  files: () => [process.execPath, path.join(packageOf('server-filesystem'), 'dist/index.js'), files],
  git: () => [path.join(pythonTools(), 'mcp-server-git'), '--repository', repository],
  database: () => [process.execPath, path.join(packageOf('server-postgres'), 'dist/index.js'), postgres.url],
} as const;
type Server = keyof typeof SERVERS;

const gated = (server: Server) => [
  process.execPath,
  ...stack.gateArguments(server, mkdtempSync(path.join(stack.root, 'gate-')), SERVERS[server]()),
];

interface Message {
  readonly method: string;
  readonly params?: object;
}

const tool = (name: string, given: object): Message => ({
  method: 'tools/call',
  params: { name, arguments: given },
});

/** Says each message once the one before is answered. Returns the answers, as the lines in which they came. */
async function answersOf([program = '', ...args]: readonly string[], messages: readonly Message[]) {
  const env = { ...process.env, COUNTERSIGN_STATE_DIR: stack.stateDir };
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const hello = {
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
  };
  const answers: string[] = [];
  for (const [id, message] of [hello, ...messages].entries()) {
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...message })}\n`);
    // Servers may say something by themselves before they answer.
    for (let line = await lines.next(); ; line = await lines.next()) {
      if (line.done === true) throw new Error(`the server ended at ${message.method}`);
      if (JSON.parse(line.value).id !== id) continue;
      answers.push(line.value);
      break;
    }
    if (id === 0) child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  }
  child.stdin.end();
  return answers;
}

/** Of each server: what policy permits alone, or is no call of a tool; and what is held, with the code of the answer. */
const SAID: Readonly<
  Record<
    Server,
    { readonly same: () => readonly Message[]; held: () => readonly (readonly [Message, string])[] }
  >
> = {
  files: {
    same: () => [
      { method: 'ping' },
      tool('read_text_file', { path: path.join(files, 'notes.txt') }),
      tool('list_directory', { path: files }),
      tool('read_text_file', { path: path.join(files, 'nothing.txt') }),
    ],
    held: () => [
      [tool('write_file', { path: 'plan.txt', content: 'x' }), 'APPROVAL_NEEDED'],
      [tool('move_file', { source: 'a', destination: 'b' }), 'TOOL_NOT_OFFERED'],
    ],
  },
  git: {
    same: () => [
      { method: 'ping' },
      { method: 'prompts/list' },
      { method: 'resources/list' },
      tool('git_status', { repo_path: repository }),
      tool('git_log', { repo_path: repository, max_count: 1 }),
      tool('git_status', { repo_path: '/nowhere' }),
    ],
    held: () => [
      [tool('git_create_branch', { repo_path: repository, branch_name: 'release' }), 'APPROVAL_NEEDED'],
      [tool('git_commit', { repo_path: repository, message: 'Mend it' }), 'APPROVAL_NEEDED'],
      [tool('git_reset', { repo_path: repository }), 'TOOL_NOT_OFFERED'],
      [tool('git_log', { repo_path: repository, force: true }), 'ARGUMENTS_NOT_AS_DECLARED'],
    ],
  },
  database: {
    same: () => [
      { method: 'resources/list' },
      { method: 'resources/read', params: { uri: 'postgres://postgres@127.0.0.1/sales/schema' } },
      tool('query', { sql: 'SELECT region, total FROM sales ORDER BY region' }),
      tool('query', { sql: 'SELECT count(*) FROM sales' }),
    ],
    held: () => [
      [tool('query', { sql: 'SELECT rolname FROM pg_authid' }), 'APPROVAL_NEEDED'],
      [tool('query', { sql: 'COMMIT; DROP TABLE sales' }), 'FORBIDDEN_BY_POLICY'],
      [tool('drop', {}), 'TOOL_NOT_OFFERED'],
    ],
  },
};

describe('GAT-1 FRI-2 a public MCP server behind the gate', () => {
  test.each(
    Object.keys(SAID) as Server[],
  )('of %s, everything but held calls is what the server said, byte for byte', async (server) => {
    const { same, held } = SAID[server];
    const direct = await answersOf(SERVERS[server](), same());
    const said = await answersOf(gated(server), [
      ...same(),
      ...held().map(([message]) => message),
      { method: 'tools/list' },
    ]);
    expect(said.slice(0, direct.length)).toEqual(direct);
    const codes = said
      .slice(direct.length, -1)
      .map((line) => JSON.parse(line).result._meta?.['io.countersign/answer'].code);
    expect(codes).toEqual(held().map(([, code]) => code));
    // The list has the mapped tools alone, each as the server describes it, but for the nonce.
    const [, all = ''] = await answersOf(SERVERS[server](), [{ method: 'tools/list' }]);
    const offered = JSON.parse(said.at(-1) ?? '').result.tools;
    const withoutNonce = JSON.parse(
      JSON.stringify(offered, (name, value) => (name === 'repeat' ? undefined : value)),
    );
    expect(offered.length).toBeGreaterThan(0);
    expect(JSON.parse(all).result.tools).toEqual(expect.arrayContaining(withoutNonce));
  });

  test('AGE-1 AGE-2 TTA-3 a branch and a statement that one owner approved run once, exactly', async () => {
    const branch = tool('git_create_branch', { repo_path: repository, branch_name: 'release' });
    const statement = tool('query', { sql: 'SELECT max(total) AS most FROM sales' });
    const branches = () =>
      execFileSync('git', ['-C', repository, 'branch', '--format=%(refname:short)'], { encoding: 'utf8' })
        .trim()
        .split('\n');
    for (const [server, call] of [
      ['git', branch],
      ['database', statement],
    ] as const) {
      const [, asked = ''] = await answersOf(gated(server), [call]);
      expect(branches()).toEqual(['main']);
      await stack.sign('person/lena', JSON.parse(asked).result._meta['io.countersign/answer'].request);
      const [, ran = '', again = ''] = await answersOf(gated(server), [call, call]);
      expect(JSON.parse(ran).result.isError ?? false).toBe(false);
      expect(again).toContain('ALREADY_RUN');
      if (server === 'git') {
        expect(branches()).toEqual(['main', 'release']);
        execFileSync('git', ['-C', repository, 'branch', '-D', 'release'], { stdio: 'ignore' });
      } else expect(ran).toContain('12.50');
    }
  });
});

describe("GAT-1 the command line of the protocol's Inspector", () => {
  test('prints of permitted calls what it prints without a gate, and of a held one whom it waits for', async () => {
    const config = path.join(stack.root, 'inspector.json');
    const commandOf = ([command, ...args]: readonly string[]) => ({
      ...{ command, args },
      env: { COUNTERSIGN_STATE_DIR: stack.stateDir },
    });
    writeFileSync(
      config,
      JSON.stringify({
        mcpServers: { bare: commandOf(SERVERS.files()), gated: commandOf(gated('files')) },
      }),
    );
    const inspect = (server: string, ...args: readonly string[]) =>
      runProgram(nodeRelease(22), [inspector(), '--cli', '--config', config, '--server', server, ...args], {
        env: { HOME: stack.root, MCP_INSPECTOR_SECRET_STORE: 'memory' },
      });
    const call = (name: string, ...pairs: readonly string[]) => [
      ...['--method', 'tools/call', '--tool-name', name],
      ...pairs.flatMap((pair) => ['--tool-arg', pair]),
    ];
    const read = call('read_text_file', `path=${path.join(files, 'notes.txt')}`);
    const [direct, said] = [await inspect('bare', ...read), await inspect('gated', ...read)];
    expect(direct.stdout).toContain('what I know');
    expect(said.stdout).toBe(direct.stdout);
    const held = await inspect('gated', ...call('write_file', 'path=other.txt', 'content=x'));
    expect(held.stdout).toMatch(/APPROVAL_NEEDED: The call was not made yet\..*person\/lena/);
    const listed = JSON.parse((await inspect('gated', '--method', 'tools/list')).stdout);
    expect(listed.tools.map(({ name }: { name: string }) => name).sort()).toEqual([
      'list_directory',
      'read_text_file',
      'write_file',
    ]);
  });
});
