import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a command may take to stop. CI systems that cancel a job give little more time in total. */
const GRACE_MS = 4_000;

/** A command that runs with access, together with its process group. */
export interface RunningCommand {
  /** The exit code as a shell has it: the command's own, 128 plus the signal that ended it, or 127 if it was not found. */
  readonly exitCode: Promise<number>;
  /** Passes a signal on. */
  tell(signal: NodeJS.Signals): void;
  /** Signals it to stop, and kills it if it does not. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/**
 * Starts a command with the streams of this process. At a terminal it stays in our process group, so that Ctrl-C works as it
 * does without us. Elsewhere it gets a process group of its own, so that a signal reaches everything it starts.
 */
export function startCommand(
  [program = '', ...args]: readonly string[],
  env: Record<string, string>,
  atTerminal: boolean,
): RunningCommand {
  const child = spawn(program, args, { env, stdio: 'inherit', detached: !atTerminal });
  let over = false;
  const exitCode = new Promise<number>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ENOENT' ? 127 : 126));
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  }).finally(() => {
    over = true;
  });
  const tell = (signal: NodeJS.Signals): void => {
    if (over || child.pid === undefined) return;
    try {
      process.kill(atTerminal ? child.pid : -child.pid, signal);
    } catch {
      // It has ended meanwhile.
    }
  };
  return {
    exitCode,
    tell,
    end: async (signal) => {
      tell(signal);
      const patience = new AbortController();
      await Promise.race([
        exitCode.finally(() => patience.abort()),
        sleep(GRACE_MS, undefined, { signal: patience.signal }).catch(() => undefined),
      ]);
      tell('SIGKILL');
    },
  };
}
