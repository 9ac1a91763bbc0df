import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { toStderr } from '../../src/stack/announce';
import { cacheDir } from '../../src/stack/cache';

/**
 * Returns the path of a Go program, which is built once into the cache.
 *
 * @param source folder of the module; its `go.sum` pins what it is built from
 * @param purpose for the line that announces the build
 * @param flags more flags of `go build`
 * @param program package of a program that the module requires, if it is not the module's own
 */
export function goProgram(
  source: string,
  purpose: string,
  flags: readonly string[] = [],
  program = '.',
): string {
  const digest = createHash('sha256');
  for (const name of readdirSync(source).sort()) digest.update(readFileSync(path.join(source, name)));
  const file = path.join(
    cacheDir(),
    `${path.basename(path.resolve(source, program))}-${digest.digest('hex').slice(0, 16)}`,
  );
  if (existsSync(file)) return file;
  toStderr(`building ${purpose} with Go`);
  mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  const env = { ...process.env, CGO_ENABLED: '0' };
  execFileSync('go', ['build', ...flags, '-o', draft, program], { cwd: source, stdio: 'inherit', env });
  renameSync(draft, file);
  return file;
}
