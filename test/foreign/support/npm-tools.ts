import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { toStderr } from '../../../src/stack/announce';
import { cacheDir } from '../../../src/stack/cache';

const SOURCE = path.join(__dirname, '../npm');

/**
 * Returns the folder with the npm packages that others wrote, and with our programs that use them. It is installed once into the
 * cache, exactly as the lock file beside them says.
 */
export function npmTools(): string {
  const digest = createHash('sha256');
  for (const name of readdirSync(SOURCE).sort()) digest.update(readFileSync(path.join(SOURCE, name)));
  const dir = path.join(cacheDir(), `foreign-npm-${digest.digest('hex').slice(0, 16)}`);
  if (existsSync(dir)) return dir;
  toStderr('installing suites and clients that others wrote, with npm');
  const draft = `${dir}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  cpSync(SOURCE, draft, { recursive: true });
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: draft,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    renameSync(draft, dir);
  } catch (error) {
    // Another process was faster, and made the same.
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(dir)) throw error;
  }
  return dir;
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program and returns what it printed. `env` is added to the environment. */
export function runProgram(
  command: string,
  args: readonly string[],
  {
    env = {},
    cwd,
    input,
  }: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string; readonly input?: string },
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env } });
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (chunk: string) => {
        output[stream] += chunk;
      });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...output }));
    child.stdin.end(input ?? '');
  });
}

/** Runs one of our programs that use those packages, with one JSON argument, and returns the JSON that it prints. */
export async function runNpmProgram(
  name: string,
  question: unknown,
  env: NodeJS.ProcessEnv = {},
): Promise<unknown> {
  const args = [path.join(npmTools(), name), JSON.stringify(question)];
  const { code, stdout, stderr } = await runProgram(process.execPath, args, { env });
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${stderr.slice(-4_000)}`);
  return JSON.parse(stdout);
}
