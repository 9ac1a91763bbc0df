import path from 'node:path';
import type { Command } from 'commander';
import type { CountersignClient } from '../client';
import { targetVariable } from '../connectors/settings';
import { type Environment, readSettings, type Settings } from '../contracts/settings';
import { findRunningStack, type RunningStack, readRunningStack } from '../stack/running-stack';
import { type ConfigFile, readConfigFile } from './config-file';
import { harmlessIn, jobLogOf } from './job-log';
import { type CommandResult, UserError } from './output';
import { type AskQuestion, PLAIN, type Terminal, terminalOf } from './terminal';

/** What every command works with. */
export interface Context {
  readonly settings: Settings;
  /** The environment, with what the config file and a running stack say where it is silent. */
  readonly env: Environment;
  /** Where the settings come from: what the user set beats the config file, and that beats a running stack. */
  readonly sources: Sources;
  /** What stdout can show. */
  readonly terminal: Terminal;
  /** Writes a line of progress to stderr, so that stdout stays the answer. */
  announce(line: string): void;
  /** Asks the person at the terminal. Absent if there is none, as in a script. */
  readonly ask?: AskQuestion;
}

export interface Sources {
  readonly environment: Environment;
  readonly config: ConfigFile;
  /** The stack of `countersign up` that is used because no address of Temporal is set. */
  readonly stack?: RunningStack;
}

/** Runs the work of a command and reports its result. */
export type Run = (work: (context: Context) => Promise<CommandResult>) => Promise<void>;

/** Loads and defines all commands. Returns the program. */
export type DefineAll = () => Promise<Command>;

/** Adds arguments, options, subcommands and actions to a command that has its name and summary already. */
export type Define = (command: Command, run: Run, defineAll: DefineAll) => void;

/**
 * Makes the context of a command.
 *
 * @throws UserError of wrong usage if a setting or the config file is not valid
 */
export async function createContext(
  environment: Environment,
  stdout?: Parameters<typeof terminalOf>[0],
  ask?: AskQuestion,
): Promise<Context> {
  const config = readConfigFile(environment);
  const stack = await stackInUse(environment);
  const env = { ...(stack && settingsOfStack(stack)), ...config.settings, ...environment };
  const result = readSettings(env);
  if (!result.ok) throw new UserError(result.problems.join('; '), 2, 'BAD_SETTINGS');
  return {
    settings: result.settings,
    env,
    sources: { environment, config, ...(stack && { stack }) },
    terminal: stdout === undefined ? PLAIN : terminalOf(stdout, environment),
    announce: (line) => void process.stderr.write(`${harmlessIn(jobLogOf(env), line)}\n`),
    ...(ask && { ask }),
  };
}

/** The running stack that this command is meant for, unless the environment or Temporal's profile file names a server. */
async function stackInUse(env: Environment): Promise<RunningStack | undefined> {
  if (env['TEMPORAL_ADDRESS']) return undefined;
  const stateDir = env['COUNTERSIGN_STATE_DIR'];
  const stack =
    stateDir === undefined ? findRunningStack(process.cwd()) : readRunningStack(path.resolve(stateDir));
  if (stack === undefined) return undefined;
  const { temporalConfig } = await import('./temporal.js');
  return temporalConfig(undefined).connectionOptions.address === undefined ? stack : undefined;
}

const settingsOfStack = (stack: RunningStack): Environment => ({
  TEMPORAL_ADDRESS: stack.temporalAddress,
  COUNTERSIGN_STATE_DIR: stack.stateDir,
  COUNTERSIGN_BUNDLE: stack.bundleDir,
  COUNTERSIGN_TICKETS: stack.ticketsFile,
  COUNTERSIGN_REGISTER_URL: withOwner(stack.targetUrl),
  COUNTERSIGN_LEDGER_URL: withOwner(stack.targetUrl),
  ...(stack.gatewayUrl !== undefined && { COUNTERSIGN_GATEWAY: stack.gatewayUrl }),
  ...Object.fromEntries(stack.reachable.map((name) => [targetVariable(name), stack.targetUrl])),
});

/** The embedded target refuses a login that it does not know, and our own tables belong to its owner. */
function withOwner(targetUrl: string): string {
  const url = new URL(targetUrl);
  url.username = 'postgres';
  return url.href;
}

/** Runs something with a connected client, and closes it. */
export async function withClient<T>(
  context: Context,
  use: (client: CountersignClient) => Promise<T>,
): Promise<T> {
  const { settings, sources } = context;
  // Loading the client takes longer than most commands, so only those that connect do it.
  const { CountersignClient: Client } = await import('../client.js');
  const { tracingOf } = await import('./telemetry.js');
  const tracing = await tracingOf('countersign-client', settings);
  const client = await Client.connect({
    tracing,
    taskQueue: settings.COUNTERSIGN_TASK_QUEUE,
    ...(settings.COUNTERSIGN_CODEC_KEYS !== undefined && { codecKeys: settings.COUNTERSIGN_CODEC_KEYS }),
    ...(sources.stack && { address: sources.stack.temporalAddress }),
  });
  try {
    return await use(client);
  } finally {
    await client.close();
    await tracing.stop();
  }
}
