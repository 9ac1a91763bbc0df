import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from './errors';
import { openLog } from './log-file';

/** A program to run in the background. Its output goes to a log file. */
export interface ChildSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment: the program inherits nothing from ours. */
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
}

/** How a process ended, for messages: its exit code or the signal. */
export type Ending = string;

/** One running program. */
export interface RunningChild {
  readonly pid: number;
  /** Resolves when the process has ended; never rejects. */
  readonly ended: Promise<Ending>;
  /** Asks it to stop with SIGTERM, and kills it if it is still running after that time. */
  stop(withinMs: number): Promise<Ending>;
  /** Kills it at once. */
  kill(): Promise<Ending>;
}

/**
 * Starts a program in a process group of its own. So Ctrl-C in a terminal reaches only this process, which then stops its
 * children in order, and the children of a child end with it.
 */
export function startChild(spec: ChildSpec): Promise<RunningChild> {
  const log = openLog(spec.logFile);
  const child = spawn(spec.command, spec.args, {
    env: spec.env,
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`${spec.name} could not be started: ${error.message}`)));
    child.once('spawn', () => resolve(running(child)));
  });
}

function running(child: ChildProcess): RunningChild {
  const { pid } = child;
  if (pid === undefined) throw new Error('a started process has no pid');
  let gone = false;
  const ended = new Promise<Ending>((resolve) => {
    child.once('exit', (code, signal) => {
      gone = true;
      // Processes that it started must not outlive it.
      signalGroup(pid, 'SIGKILL');
      resolve(signal ? `ended by ${signal}` : `exit code ${code}`);
    });
  });
  const kill = (): Promise<Ending> => {
    if (!gone) signalGroup(pid, 'SIGKILL');
    return ended;
  };
  const stop = async (withinMs: number): Promise<Ending> => {
    if (!gone) signalGroup(pid, 'SIGTERM');
    const patience = new AbortController();
    const late = sleep(withinMs, undefined, { signal: patience.signal }).then(kill, () => ended);
    const ending = await Promise.race([ended, late]);
    patience.abort();
    return ending;
  };
  return { pid, ended, stop, kill };
}

/** Signals a process and those that it started. Does nothing if they have already ended. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
