import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type Announce, announced, toStderr } from './announce';
import { cacheDir, FailureNote } from './cache';
import { messageOf } from './errors';
import { findOnPath, isExecutable } from './executable';
import { withPidLock } from './pid-lock';
import { runCommand } from './run-command';
import { downloadCliWithSdk, sdkDownloadReachable } from './sdk-download';

/** The newest version that `go install` can build: the modules of later ones have a replace directive. */
const CLI_VERSION = 'v1.5.1';
const CLI_MODULE = `github.com/temporalio/cli/cmd/temporal@${CLI_VERSION}`;

export interface TemporalBinary {
  readonly path: string;
  readonly source: 'setting' | 'path' | 'cache' | 'download' | 'build';
}

export interface BinaryLookup {
  readonly env?: NodeJS.ProcessEnv;
  readonly cache?: string;
  readonly announce?: Announce;
  /** Downloads the CLI into a folder. Returns false if the download is out of reach. */
  readonly download?: (folder: string) => Promise<boolean>;
  /** Builds the CLI into a folder. Returns false if it cannot be built. */
  readonly build?: (folder: string) => Promise<boolean>;
}

const HOW_TO_GET_IT =
  'no Temporal CLI: install it (https://docs.temporal.io/cli), or set COUNTERSIGN_TEMPORAL_CLI to its path, ' +
  'or install Go so that it can be built';

/**
 * Finds the Temporal CLI by the setting `COUNTERSIGN_TEMPORAL_CLI`, on `PATH` or in this project's cache; else downloads it with
 * the SDK, or builds it with Go.
 *
 * @throws Error of one line that says what to do
 */
export async function findTemporalBinary(lookup: BinaryLookup = {}): Promise<TemporalBinary> {
  const env = lookup.env ?? process.env;
  const cache = lookup.cache ?? cacheDir(env);
  return bySetting(env) ?? onPath(env) ?? inCache(cache) ?? obtain(env, cache, lookup);
}

/** Finds the Temporal CLI without downloading or building it. Returns undefined if it is not on this machine. */
export function locateTemporalBinary(env: NodeJS.ProcessEnv = process.env): TemporalBinary | undefined {
  return bySetting(env) ?? onPath(env) ?? inCache(cacheDir(env));
}

function bySetting(env: NodeJS.ProcessEnv): TemporalBinary | undefined {
  const setting = env['COUNTERSIGN_TEMPORAL_CLI'];
  if (!setting) return undefined;
  if (isExecutable(setting)) return { path: path.resolve(setting), source: 'setting' };
  throw new Error(`COUNTERSIGN_TEMPORAL_CLI is not a file that can be run: ${setting}`);
}

function onPath(env: NodeJS.ProcessEnv): TemporalBinary | undefined {
  const found = findOnPath('temporal', env);
  return found === undefined ? undefined : { path: found, source: 'path' };
}

const cachedFolder = (cache: string): string => path.join(cache, `temporal-cli-${CLI_VERSION}`);
const cachedFile = (cache: string): string => path.join(cachedFolder(cache), 'temporal');

function inCache(cache: string): TemporalBinary | undefined {
  return isExecutable(cachedFile(cache)) ? { path: cachedFile(cache), source: 'cache' } : undefined;
}

async function obtain(env: NodeJS.ProcessEnv, cache: string, lookup: BinaryLookup): Promise<TemporalBinary> {
  const announce = lookup.announce ?? toStderr;
  const download = lookup.download ?? ((folder) => downloadCli(folder, cache, announce));
  const build = lookup.build ?? ((folder) => buildCli(folder, env, announce));
  mkdirSync(cachedFolder(cache), { recursive: true });
  return withPidLock(path.join(cachedFolder(cache), 'lock'), async () => {
    // Another process may have fetched it while this one waited.
    const found = inCache(cache);
    if (found) return found;
    if (await putIntoCache(cache, download)) return { path: cachedFile(cache), source: 'download' };
    if (await putIntoCache(cache, build)) return { path: cachedFile(cache), source: 'build' };
    throw new Error(HOW_TO_GET_IT);
  });
}

/** Fills a folder beside the cached file, and moves the file into place when it is complete. */
async function putIntoCache(cache: string, fill: (folder: string) => Promise<boolean>): Promise<boolean> {
  const folder = mkdtempSync(path.join(cachedFolder(cache), 'new-'));
  try {
    const file = (await fill(folder))
      ? readdirSync(folder).find((name) => name.startsWith('temporal'))
      : undefined;
    if (file === undefined) return false;
    chmodSync(path.join(folder, file), 0o755);
    renameSync(path.join(folder, file), cachedFile(cache));
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function downloadCli(folder: string, cache: string, announce: Announce): Promise<boolean> {
  if (!(await sdkDownloadReachable('cli', cache))) return false;
  try {
    await announced(announce, 'downloading the Temporal CLI', () => downloadCliWithSdk(folder));
    return true;
  } catch (error) {
    new FailureNote(cache, 'sdk-download-cli').write(messageOf(error));
    announce(`the Temporal CLI could not be downloaded (${messageOf(error)})`);
    return false;
  }
}

async function buildCli(folder: string, env: NodeJS.ProcessEnv, announce: Announce): Promise<boolean> {
  const go = findOnPath('go', env);
  if (go === undefined) return false;
  // The CLI's SQLite is written in Go, so no C compiler is needed.
  const goEnv = { ...env, GOBIN: folder, CGO_ENABLED: '0' };
  const what = `building the Temporal CLI ${CLI_VERSION} with Go, once, in about five minutes`;
  try {
    await announced(announce, what, () => runCommand(go, ['install', CLI_MODULE], goEnv));
    return true;
  } catch (error) {
    announce(`the Temporal CLI could not be built (${messageOf(error)})`);
    return false;
  }
}
