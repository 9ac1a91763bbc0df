import { Command } from 'commander';
import { packageVersion } from '../project';
import { COMMANDS } from './commands';
import type { Run } from './context';
import { addListedExamples } from './examples';
import { addExamples, configureHelp, markRequired } from './help';
import type { Terminal } from './terminal';

const JSON_OPTION = ['--json', 'print one JSON document for machines'] as const;

/**
 * The program with the name and summary of every command; `defineCommand` fills one in. `writeErr` takes what Commander would
 * write to stderr: its own messages, and the help that answers a command without its subcommand.
 */
export function createProgram(
  terminal: Terminal,
  writeErr: (text: string) => void = () => undefined,
): Command {
  const program = new Command('countersign')
    .description('Approval and access for non-human identities and the engineers around them.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .option(...JSON_OPTION)
    .exitOverride();
  // Commands take over how the program writes when they are added.
  program.configureOutput({ writeErr });
  configureHelp(program, terminal);
  for (const { name, summary, group } of COMMANDS)
    program.command(name).description(summary).helpGroup(group);
  addExamples(
    program,
    ['up', 'a whole stack on this machine, to try things out'],
    [
      'request submit --as ci/payments --entitlement warehouse:payments#write \\\n      --for 15m --reason "deploy migration 42"',
    ],
    ['approve dc933e65 --as person/mira', 'the first characters of an id are enough'],
    ['help run', 'options and examples of one command'],
  );
  return program;
}

/** Loads the module of a command and adds its arguments, options and subcommands. Does nothing if the name is unknown. */
export async function defineCommand(program: Command, name: string, run: Run): Promise<void> {
  const row = COMMANDS.find((one) => one.name === name);
  const command = program.commands.find((one) => one.name() === name);
  if (row === undefined || command === undefined) return;
  const { define } = await row.load();
  define(command, run, async () => {
    const others = COMMANDS.filter((one) => one.name !== name);
    for (const one of others) await defineCommand(program, one.name, run);
    return program;
  });
  acceptJson(command);
  markRequired(command);
  addListedExamples(command);
}

/** `--json` is understood before and after the command's name. */
function acceptJson(command: Command): void {
  command.option(...JSON_OPTION);
  for (const sub of command.commands) acceptJson(sub);
}
