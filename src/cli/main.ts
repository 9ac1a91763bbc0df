import { CommanderError } from 'commander';
import { CountersignError } from '../contracts/error';
import type { Context } from './context';
import { harmlessIn, jobLogOf } from './job-log';
import { type CommandResult, type Fault, printable, UserError } from './output';
import { createProgram, defineCommand } from './program';
import { askOn, terminalOf } from './terminal';

/** Runs a command line. Returns the exit code: 0 done, 1 refused or failed, 2 wrong usage. */
async function main(argv: readonly string[]): Promise<number> {
  // What comes after `--` belongs to another program.
  const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  const wantsJson = own.includes('--json');
  const terminal = terminalOf(process.stdout, process.env);
  let help = '';
  let exitCode = 0;
  const run = async (work: (context: Context) => Promise<CommandResult>): Promise<void> => {
    const { createContext } = await import('./context.js');
    const ask = askOn(process.stdin, process.stderr);
    exitCode = report(await work(await createContext(process.env, process.stdout, ask)), wantsJson);
  };
  try {
    const program = createProgram(terminal, (text) => {
      help += text;
    });
    await defineCommand(program, commandIn(own), run);
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (isUnfinished(error) && !wantsJson) {
      process.stderr.write(help);
      return 2;
    }
    return reportError(error, wantsJson);
  }
}

/** The name of the command that is used, or that help is asked for. */
function commandIn(argv: readonly string[]): string {
  const [first = '', second = ''] = argv.filter((word) => !word.startsWith('-'));
  return first === 'help' ? second : first;
}

/** True if a command that only has subcommands was given none of them. */
const isUnfinished = (error: unknown): error is CommanderError =>
  error instanceof CommanderError && error.code === 'commander.help' && error.exitCode !== 0;

function report({ exitCode, lines, data, error }: CommandResult, json: boolean): number {
  if (json) process.stdout.write(`${JSON.stringify(data)}\n`);
  else for (const line of lines) process.stdout.write(`${shown(line)}\n`);
  if (error !== undefined) process.stderr.write(`countersign: ${shown(printable(error.message))}\n`);
  return exitCode;
}

function reportError(error: unknown, json: boolean): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const { code, message, exitCode } = describeError(error);
  const line = printable(message.replace(/\s*\n\s*/g, ' '));
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message: line } })}\n`);
  process.stderr.write(`countersign: ${shown(line)}\n`);
  return exitCode;
}

/** A line as the log of this job can show it. */
const shown = (line: string): string => harmlessIn(jobLogOf(process.env), line);

function describeError(error: unknown): Fault & { readonly exitCode: 1 | 2 } {
  if (error instanceof UserError) return error;
  if (error instanceof CountersignError)
    return { code: error.code, message: `${error.code}: ${error.message}`, exitCode: 1 };
  if (isUnfinished(error))
    return { code: 'USAGE', message: 'which command? (countersign --help)', exitCode: 2 };
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, '');
    return { code: 'USAGE', message: `${message} (countersign --help)`, exitCode: 2 };
  }
  return { code: 'FAILED', message: error instanceof Error ? error.message : String(error), exitCode: 1 };
}

// A reader of our output may stop reading, as `head` does. That is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

void main(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
