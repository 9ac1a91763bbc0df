import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';

/** Makes a copy of the example bundle in a folder of its own, which the caller removes. */
export function exampleBundleCopy(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'bundle-test-'));
  cpSync(EXAMPLE_BUNDLE_DIR, dir, { recursive: true });
  return dir;
}

/** Puts one mistake into a file. Returns the line that it is on. */
export function spoiled(file: string, search: string, replacement: string): number {
  const text = readFileSync(file, 'utf8');
  const index = text.indexOf(search);
  if (index < 0) throw new Error(`${file} has no ${search}`);
  writeFileSync(file, text.slice(0, index) + replacement + text.slice(index + search.length));
  return text.slice(0, index).split('\n').length;
}
