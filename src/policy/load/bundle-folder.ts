import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Decoded } from '../../directory/yaml-file';
import { isPacked, placeOf } from './bundle-place';
import { readPack } from './packed-bundle';

const LARGEST_FILE_BYTES = 4 * 1024 * 1024;

/** How long nothing may have changed before files count as delivered. Files of one delivery come one after the other. */
export const STILL_MS = 1_000;
/** How often, and how far apart, to read a folder that changes while it is read. */
const READINGS = 20;
const BETWEEN_READINGS_MS = 100;

/** Files of a bundle by name. */
export type BundleFiles = ReadonlyMap<string, string>;

/** What a file or a folder was like at one moment. */
interface Version {
  /** Names, sizes, times and numbers of the files. Whatever changes them, or who may read them, changes this. */
  readonly mark: string;
  /** When the system last noted a change, in milliseconds. No program can set this time. */
  readonly changedAtMs: number;
}

/** Returns the version of a bundle: of a folder and its files, or of a packed file and the keys that are pinned for it. Undefined if it cannot be read. */
export async function versionOfFolder(dir: string): Promise<Version | undefined> {
  try {
    if (await isPacked(dir)) return await versionOfPack(dir);
    const names = (await readdir(dir)).sort();
    const versions = names.map((name) => versionOfFile(path.join(dir, name)));
    const all = [await versionOfFile(dir), ...(await Promise.all(versions))];
    return {
      mark: JSON.stringify(all.map((one, index) => [names[index - 1], one?.mark])),
      changedAtMs: Math.max(...all.map((one) => one?.changedAtMs ?? 0)),
    };
  } catch {
    return undefined;
  }
}

async function versionOfPack(place: string): Promise<Version | undefined> {
  const { at, keys } = placeOf(place);
  const [pack, pinned] = [
    await versionOfFile(at),
    keys === undefined ? undefined : await versionOfFile(keys),
  ];
  if (pack === undefined) return undefined;
  const changedAtMs = Math.max(pack.changedAtMs, pinned?.changedAtMs ?? 0);
  return { mark: JSON.stringify([pack.mark, pinned?.mark]), changedAtMs };
}

/** Returns the version of one file, or undefined if there is none. */
export async function versionOfFile(file: string): Promise<Version | undefined> {
  const about = await stat(file).catch(() => undefined);
  if (about === undefined) return undefined;
  const { size, mtimeMs, ctimeMs, ino } = about;
  return { mark: `${size} ${mtimeMs} ${ctimeMs} ${ino}`, changedAtMs: ctimeMs };
}

/**
 * Waits until something has not changed for a moment, at most for half a minute. Does not wait if its times are so far from
 * this machine's clock that they say nothing.
 */
export async function untilStill(versionOf: () => Promise<Version | undefined>): Promise<void> {
  for (let waits = 0; waits < 30; waits += 1) {
    const found = await versionOf();
    const leftMs = found === undefined ? 0 : STILL_MS - Math.abs(Date.now() - found.changedAtMs);
    if (leftMs <= 0) return;
    await sleep(leftMs);
  }
}

/**
 * Reads the files of a bundle as they were at one moment, without judging them. What changes while it is read is read again.
 */
export async function readBundleFiles(dir: string): Promise<Decoded<BundleFiles>> {
  for (let readings = 0; readings < READINGS; readings += 1) {
    if (readings > 0) await sleep(BETWEEN_READINGS_MS);
    if (await isPacked(dir)) return withoutCases(await readPack(dir));
    const home = await homeOf(dir);
    const before = await versionOfFolder(home);
    const files = await readOnce(home);
    const after = await versionOfFolder(home);
    if (before?.mark === after?.mark) return files;
  }
  return problem(
    dir,
    'changes all the time, so no reading of it is whole; try again when all files are delivered',
  );
}

/** Cases are no part of what decides, so they are not in the digest of policy. */
const withoutCases = (read: Decoded<BundleFiles>): Decoded<BundleFiles> =>
  read.ok ? { ok: true, value: new Map([...read.value].filter(([name]) => !name.includes('/'))) } : read;

/**
 * Returns the folder that has the files now: what a link to the folder (git-sync), or `..data` in it (a ConfigMap), leads to. A link that is swapped
 * there and back during a reading would leave no trace; what it led to stays as it is.
 */
async function homeOf(dir: string): Promise<string> {
  try {
    const real = await realpath(dir);
    const data = await realpath(path.join(real, '..data')).catch(() => real);
    const named = async (folder: string) =>
      (await readdir(folder))
        .filter((name) => BUNDLE_FILE.test(name))
        .sort()
        .join('\n');
    return (await named(real)) === (await named(data)) ? data : real;
  } catch {
    return dir;
  }
}

const BUNDLE_FILE = /\.(cedar|cedarschema|yaml)$/;
/** Files that somebody takes for part of the bundle, and that nothing would read. */
const MISNAMED = ['catalog.yml', 'directory.yml', 'paths.yml'];

async function readOnce(dir: string): Promise<Decoded<BundleFiles>> {
  try {
    const names = (await readdir(dir)).sort();
    const misnamed = names.find((name) => MISNAMED.includes(name));
    if (misnamed !== undefined)
      return problem(
        misnamed,
        `is not read, because files of a bundle end in .yaml; rename it to ${misnamed.replace(/yml$/, 'yaml')}, or remove it`,
      );
    const files = new Map<string, string>();
    for (const name of names.filter((one) => BUNDLE_FILE.test(one))) {
      const file = path.join(dir, name);
      if ((await stat(file)).size > LARGEST_FILE_BYTES)
        return problem(name, 'is too large for a bundle file');
      const text = textOf(await readFile(file));
      if (text === undefined) return problem(name, 'is not UTF-8 text; save it as UTF-8');
      files.set(name, text);
    }
    return { ok: true, value: files };
  } catch {
    return problem(dir, 'cannot be read; give the folder of a policy bundle');
  }
}

/** Returns undefined for bytes that are not UTF-8: reading past them would change values in silence. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const problem = (file: string, message: string) => ({
  ok: false as const,
  problems: [{ file, line: 1, message }],
});
