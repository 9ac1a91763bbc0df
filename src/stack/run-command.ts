import { spawn } from 'node:child_process';

const KEPT_OUTPUT = 4_000;

/** Runs a command to its end. Throws an error with its last lines of output if it fails. */
export function runCommand(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-KEPT_OUTPUT);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ended with ${signal ?? code}: ${lastLinesOf(output)}`));
    });
  });
}

/** Returns the last lines that help, which are not those of a stack trace. */
const lastLinesOf = (output: string): string =>
  output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('at '))
    .slice(-5)
    .join(' | ');
