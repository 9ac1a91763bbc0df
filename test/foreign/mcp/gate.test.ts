import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { GateStack } from '../../integration/gate/support';
import { goTools } from '../support/go-tools';
import { npmTools, runProgram } from '../support/npm-tools';
import { pythonTools } from '../support/python-tools';

/*
 * The public MCP server for files, as npm has it, behind the gate; and clients as their authors publish them. Neither knows of the gate.
 */

jest.setTimeout(300_000);

let stack: GateStack;
beforeAll(async () => {
  stack = await GateStack.start();
}, 180_000);
afterAll(() => stack?.stop());

const saidSchema = z.object({
  tools: z.array(z.string()),
  answers: z.array(z.object({ isError: z.boolean(), text: z.string() })),
});

interface Question {
  readonly command: string;
  readonly args: readonly string[];
  readonly calls: readonly { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> }[];
}

const CLIENTS: readonly [string, () => readonly [string, ...string[]], object][] = [
  ['npm, v1', () => [process.execPath, path.join(npmTools(), 'gate-client.mjs')], { library: 'v1' }],
  ['npm, v2', () => [process.execPath, path.join(npmTools(), 'gate-client.mjs')], { library: 'v2' }],
  ['Go', () => [goTools().gateClient], {}],
  [
    'Python',
    () => [path.join(pythonTools(), 'python'), path.join(__dirname, '../python/gate_client.py')],
    {},
  ],
];

describe('GAT-1 FRI-2 the public server for files behind the gate', () => {
  test.each(
    CLIENTS,
  )('for the client of %s it is what it was, but for what needs approval', async (name, program, more) => {
    const dir = mkdtempSync(path.join(stack.root, 'files-'));
    const files = path.join(dir, 'files');
    mkdirSync(path.join(files, 'drafts'), { recursive: true });
    writeFileSync(path.join(files, 'notes.txt'), 'what I know');
    const server = path.join(
      npmTools(),
      'node_modules/@modelcontextprotocol/server-filesystem/dist/index.js',
    );
    const bare = [server, files];
    const ask = async (question: Question) => {
      const [command, ...args] = program();
      const env = { COUNTERSIGN_STATE_DIR: stack.stateDir };
      const asked = JSON.stringify({ ...question, ...more });
      const { code, stdout, stderr } = await runProgram(command, [...args, asked], { env });
      if (code !== 0) throw new Error(`${name} ended with ${code}: ${stderr.slice(-4_000)}`);
      return saidSchema.parse(JSON.parse(stdout));
    };
    const permitted = [
      { name: 'read_text_file', arguments: { path: 'notes.txt' } },
      { name: 'write_file', arguments: { path: 'drafts/plan.txt', content: 'a draft' } },
      { name: 'list_directory', arguments: { path: 'drafts' } },
      { name: 'read_text_file', arguments: { path: 'nothing.txt' } },
    ];
    const held = [
      { name: 'write_file', arguments: { path: `${name}.txt`, content: 'x' } },
      { name: 'read_text_file', arguments: { path: '../keys' } },
      { name: 'move_file', arguments: { source: 'notes.txt', destination: 'gone.txt' } },
    ];
    const direct = await ask({ command: process.execPath, args: bare, calls: permitted });
    const gated = stack.gateArguments('files', dir, [process.execPath, ...bare]);
    const said = await ask({ command: process.execPath, args: gated, calls: [...permitted, ...held] });
    expect(direct.tools).toEqual(expect.arrayContaining(said.tools));
    expect(said.tools).toEqual(['list_directory', 'read_text_file', 'write_file']);
    expect(said.answers.slice(0, permitted.length)).toEqual(direct.answers);
    expect(
      said.answers.slice(permitted.length).map(({ isError, text }) => [isError, text.split(':')[0]]),
    ).toEqual([
      [true, 'APPROVAL_NEEDED'],
      [true, 'NO_MATCHING_POLICY'],
      [true, 'TOOL_NOT_OFFERED'],
    ]);
    expect(readFileSync(path.join(files, 'drafts/plan.txt'), 'utf8')).toBe('a draft');
  });
});
