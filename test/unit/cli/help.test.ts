import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { COMMANDS } from '../../../src/cli/commands';
import { createContext, type Run } from '../../../src/cli/context';
import type { CommandResult } from '../../../src/cli/output';
import { createProgram, defineCommand } from '../../../src/cli/program';
import { PLAIN } from '../../../src/cli/terminal';
import { VERBS } from '../../../src/domain/statement';

const nothing = async (): Promise<void> => undefined;

async function wholeProgram(terminal = PLAIN, run: Run = nothing): Promise<Command> {
  const program = createProgram(terminal);
  for (const { name } of COMMANDS) await defineCommand(program, name, run);
  return program;
}

const allOf = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(allOf)];

async function helpOf(...names: readonly string[]): Promise<string> {
  let at: Command | undefined = await wholeProgram();
  for (const name of names) at = at?.commands.find((one) => one.name() === name);
  return at?.helpInformation() ?? '';
}

describe('help', () => {
  test('lists every command under a heading, without loading one', () => {
    const help = createProgram(PLAIN).helpInformation();
    for (const { name, group } of COMMANDS)
      expect(help).toMatch(new RegExp(`^${group}$[\\s\\S]*^ {2}${name} `, 'm'));
    for (const verb of VERBS) expect(help).toContain(`  ${verb} `);
  });

  test.each([80, 120])('of every command fits %i columns', async (columns) => {
    for (const command of allOf(await wholeProgram({ columns, hasColour: false })))
      for (const line of command.helpInformation().split('\n'))
        expect(line.length).toBeLessThanOrEqual(columns);
  });

  test('puts what a command cannot do without first, and into the usage line', async () => {
    const help = await helpOf('run');
    expect(help).toContain('Usage: countersign run --entitlement <entitlement> --for <duration> --reason');
    expect(help).toMatch(/^Required:\n {2}--entitlement[\s\S]*^Options:\n/m);
  });

  test('describes each option and each command', async () => {
    for (const command of allOf(await wholeProgram())) {
      expect([command.name(), command.description()]).toEqual([command.name(), expect.stringMatching(/\w/)]);
      for (const option of command.options.filter(({ hidden }) => !hidden))
        expect([command.name(), option.flags, option.description]).toEqual([
          command.name(),
          option.flags,
          expect.stringMatching(/\w/),
        ]);
    }
  });

  test('ends with examples that the command itself takes, for every command', async () => {
    const run = jest.fn(nothing);
    const names = allOf(await wholeProgram())
      .filter(isRun)
      .map(pathOf);
    expect(names.length).toBeGreaterThan(40);
    for (const path of names) {
      const examples = await examplesOf(path);
      if (examples.length === 0) throw new Error(`the help of ${path.join(' ')} has no example`);
      for (const example of examples) {
        const program = await wholeProgram(PLAIN, run);
        run.mockClear();
        await program.parseAsync(wordsOf(example), { from: 'user' });
        expect([example, run.mock.calls.length]).toEqual([example, 1]);
      }
    }
  });
});

/** True if the command does something itself, and is not only the parent of others. */
const isRun = (command: Command): boolean =>
  command.commands.length === 0 || command.registeredArguments.length > 0;

const pathOf = (command: Command): readonly string[] =>
  command.parent === null ? [] : [...pathOf(command.parent), command.name()];

/** The examples that the help of a command prints, each in one line. */
async function examplesOf(path: readonly string[]): Promise<readonly string[]> {
  let command: Command | undefined = await wholeProgram();
  for (const name of path) command = command?.commands.find((one) => one.name() === name);
  let help = '';
  command?.configureOutput({ writeOut: (text) => (help += text) });
  command?.outputHelp();
  const [, examples = ''] = help.split('Examples:\n');
  return [...examples.replaceAll('\\\n', ' ').matchAll(/^ {2}\$ countersign (.+)$/gm)].map(
    ([, line = '']) => line,
  );
}

/** Splits a command line as a shell does, up to a redirection. */
const wordsOf = (line: string): readonly string[] =>
  [...(line.split(' > ')[0] ?? '').matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? '',
  );

describe('completion is derived from the commands', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'countersign-completion-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function scriptFor(shell: string): Promise<string> {
    let result: CommandResult | undefined;
    const program = createProgram(PLAIN);
    await defineCommand(program, 'completion', async (work) => {
      result = await work(await createContext({ XDG_CONFIG_HOME: folder, TEMPORAL_ADDRESS: 'x' }));
    });
    await program.parseAsync(['completion', shell], { from: 'user' });
    return result?.lines.join('\n') ?? '';
  }

  test.each(['bash', 'zsh', 'fish'])('for %s it has every command, subcommand and option', async (shell) => {
    const script = await scriptFor(shell);
    for (const command of allOf(await wholeProgram())) {
      expect(script).toContain(command.name());
      for (const { long, hidden } of command.options)
        if (!hidden) expect(script).toContain(shell === 'fish' ? `-l ${long?.slice(2)}` : long);
    }
  });

  test.each([
    [['rev'], 'revoke review'],
    [['request', ''], 'submit show list'],
    [['--json', 'audit', 'l'], 'log'],
    [['review', 'dc93', '--verdict', ''], 'justified unjustified needs-follow-up'],
    [['request', 'list', '--status', 'awa'], 'awaiting_approval'],
    [['help', 'app'], 'approve'],
    [['run', '--reason', 'x', '--', 'ls', '--'], ''],
  ])('bash completes %j with %j', async (words, offered) => {
    const file = path.join(folder, 'completion.bash');
    writeFileSync(file, await scriptFor('bash'));
    const ask = `source ${file}; COMP_WORDS=(countersign "$@"); COMP_CWORD=$#; _countersign; echo "\${COMPREPLY[*]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', ask, 'bash', ...words], { encoding: 'utf8' });
    expect([stdout.trim(), stderr]).toEqual([offered, '']);
  });
});
