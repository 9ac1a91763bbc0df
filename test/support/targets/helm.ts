import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { goProgram } from '../go-program';

const SOURCE = path.resolve(EXAMPLE_BUNDLE_DIR, '../test/support/helm');

/** Returns the path of helm, which is built once into the cache. */
export const helmProgram = (): string =>
  goProgram(
    SOURCE,
    'helm for the tests, once (a few minutes)',
    ['-trimpath', '-ldflags=-s -w'],
    'helm.sh/helm/v3/cmd/helm',
  );

/** Runs helm without any settings of the user. Returns what it printed. @throws Error with what it said if it fails */
export function helm(args: readonly string[], input = ''): string {
  try {
    const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };
    return execFileSync(helmProgram(), args, { encoding: 'utf8', env, input, stdio: 'pipe' });
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
    throw new Error(said.trim());
  }
}
