import { Command, CommanderError } from 'commander';
import { CountersignError } from '../client';
import { registerAudit } from './audit';
import { type Context, createContext } from './context';
import { registerDemo } from './demo';
import { registerDoctor } from './doctor';
import { registerKeys } from './keys';
import { type Outcome, printable, UserError } from './output';
import { registerPolicy } from './policy';
import { registerRequest } from './request';
import { registerStatements } from './statement';
import { registerUp } from './up';
import { registerWorker } from './worker';

/** Runs a command line. Exit codes: 0 done, 1 refused or failed, 2 wrong usage. */
async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('countersign')
    .description('Approval and access for non-human identities and the engineers around them')
    .option('--json', 'print one JSON document for machines')
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  let exitCode = 0;
  const run = async (work: (context: Context) => Promise<Outcome>): Promise<void> => {
    exitCode = report(await work(createContext(process.env)), wantsJson());
  };
  const wantsJson = () => argv.includes('--json');
  for (const register of [
    registerUp,
    registerDemo,
    registerRequest,
    registerStatements,
    registerAudit,
    registerPolicy,
    registerKeys,
    registerDoctor,
    registerWorker,
  ])
    register(program, run);
  acceptJsonEverywhere(program);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    return reportError(error, wantsJson());
  }
}

/** `--json` is understood before and after the command's name. */
function acceptJsonEverywhere(command: Command): void {
  for (const sub of command.commands) {
    sub.option('--json', 'print one JSON document for machines').exitOverride();
    acceptJsonEverywhere(sub);
  }
}

function report({ exitCode, lines, data }: Outcome, json: boolean): number {
  if (json) process.stdout.write(`${JSON.stringify(data)}\n`);
  else for (const line of lines) process.stdout.write(`${line}\n`);
  if (!json && exitCode !== 0 && typeof data === 'object' && data !== null && 'error' in data)
    process.stderr.write(`${printable(String(data.error))}\n`);
  return exitCode;
}

function reportError(error: unknown, json: boolean): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const { code, message, exitCode } = describeError(error);
  const line = printable(message.replace(/\s*\n\s*/g, ' '));
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message: line } })}\n`);
  process.stderr.write(`countersign: ${line}\n`);
  return exitCode;
}

function describeError(error: unknown): { code: string; message: string; exitCode: 1 | 2 } {
  if (error instanceof UserError) return error;
  if (error instanceof CountersignError)
    return { code: error.code, message: `${error.code}: ${error.message}`, exitCode: 1 };
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, '');
    return { code: 'USAGE', message: `${message} (countersign --help)`, exitCode: 2 };
  }
  return { code: 'FAILED', message: error instanceof Error ? error.message : String(error), exitCode: 1 };
}

void main(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
