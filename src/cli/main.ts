import { Command, CommanderError } from 'commander';
import { CountersignError } from '../contracts/error';
import { VERBS } from '../domain/statement';
import { packageVersion } from '../project';
import { type Context, createContext } from './context';
import { type Fault, type Outcome, printable, UserError } from './output';

type Register = (program: Command, run: (work: (context: Context) => Promise<Outcome>) => void) => void;

const statements = async (): Promise<Register> => (await import('./statement.js')).registerStatements;

/** Where each command lives. Loaded when it is asked for: a signature must not wait for a database or a bundler. */
const COMMANDS: Readonly<Record<string, () => Promise<Register>>> = {
  up: async () => (await import('./up.js')).registerUp,
  demo: async () => (await import('./demo/index.js')).registerDemo,
  run: async () => (await import('./run/index.js')).registerRun,
  'git-credential': async () => (await import('./git-credential.js')).registerGitCredential,
  request: async () => (await import('./request.js')).registerRequest,
  ...Object.fromEntries(VERBS.map((verb) => [verb, statements])),
  audit: async () => (await import('./audit/index.js')).registerAudit,
  policy: async () => (await import('./policy.js')).registerPolicy,
  keys: async () => (await import('./keys.js')).registerKeys,
  doctor: async () => (await import('./doctor.js')).registerDoctor,
  gateway: async () => (await import('./gateway.js')).registerGateway,
  mcp: async () => (await import('./mcp.js')).registerMcp,
  codec: async () => (await import('./codec.js')).registerCodec,
  friction: async () => (await import('./friction/index.js')).registerFriction,
  notify: async () => (await import('./notify/index.js')).registerNotify,
  worker: async () => (await import('./worker.js')).registerWorker,
};

/** The command that is asked for, or all of them, for help and for what is misspelt. */
async function commandsFor(argv: readonly string[]): Promise<readonly Register[]> {
  const word = argv.find((one) => !one.startsWith('-')) ?? '';
  const asked = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
  if (asked !== undefined) return [await asked()];
  return Promise.all([...new Set(Object.values(COMMANDS))].map((load) => load()));
}

/** Runs a command line. Exit codes: 0 done, 1 refused or failed, 2 wrong usage. */
async function main(argv: readonly string[]): Promise<number> {
  let help = '';
  const program = new Command('countersign')
    .description('Approval and access for non-human identities and the engineers around them')
    .version(packageVersion(), '-V, --version', 'print the version')
    .option('--json', 'print one JSON document for machines')
    .exitOverride()
    // Errors are said by ourselves; what is kept here is the help that a command without a subcommand is answered with.
    .configureOutput({
      writeErr: (text) => {
        help = text;
      },
    });
  let exitCode = 0;
  const run = async (work: (context: Context) => Promise<Outcome>): Promise<void> => {
    exitCode = report(await work(createContext(process.env)), wantsJson());
  };
  // What comes after `--` belongs to another program.
  const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  const wantsJson = () => own.includes('--json');
  try {
    for (const register of await commandsFor(argv)) register(program, run);
    acceptJsonEverywhere(program);
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (isUnfinished(error) && !wantsJson()) {
      process.stderr.write(help);
      return 2;
    }
    return reportError(error, wantsJson());
  }
}

/** A command that only has subcommands was given none of them. */
const isUnfinished = (error: unknown): error is CommanderError =>
  error instanceof CommanderError && error.code === 'commander.help' && error.exitCode !== 0;

/** `--json` is understood before and after the command's name. */
function acceptJsonEverywhere(command: Command): void {
  for (const sub of command.commands) {
    sub.option('--json', 'print one JSON document for machines').exitOverride();
    acceptJsonEverywhere(sub);
  }
}

function report({ exitCode, lines, data, error }: Outcome, json: boolean): number {
  if (json) process.stdout.write(`${JSON.stringify(data)}\n`);
  else for (const line of lines) process.stdout.write(`${line}\n`);
  if (error !== undefined) process.stderr.write(`countersign: ${printable(error.message)}\n`);
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

// Whoever reads our output may stop reading, as `head` does; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

void main(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
