import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { toStderr } from '../../../src/stack/announce';
import { cacheDir } from '../../../src/stack/cache';

const SOURCE = path.join(__dirname, '../python');
const REQUIREMENTS = path.join(SOURCE, 'requirements.txt');

/** Returns the folder of the Python programs that others wrote, installed once into the cache, pinned by `requirements.txt`. */
export function pythonTools(): string {
  const digest = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 16);
  const dir = path.join(cacheDir(), `foreign-python-${digest}`);
  const bin = path.join(dir, 'bin');
  const whole = path.join(dir, 'whole');
  if (existsSync(whole)) return bin;
  toStderr('installing clients that others wrote, with pip');
  // An environment of Python cannot be moved, so it is marked as whole instead.
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(path.dirname(dir), { recursive: true });
  execFileSync('python3', ['-m', 'venv', dir], { stdio: 'inherit' });
  execFileSync(
    path.join(bin, 'pip'),
    ['install', '--quiet', '--disable-pip-version-check', '--no-deps', '-r', REQUIREMENTS],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  writeFileSync(whole, '');
  return bin;
}
