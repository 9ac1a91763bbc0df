import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { readBounded, UnreadableFile } from '../../audit/evidence/bounded-file';
import { type PolicyFile, policyFilesOf } from '../../audit/evidence/policy';
import type { VerifyOptions } from '../../audit/verify/verify';
import { readBundleFiles } from '../../policy/load/bundle-folder';
import { UserError } from '../output';

const MOST_VERSIONS = 1_024;
const LARGEST_BYTES = 16 * 1024 * 1024;
const DIRECTORY_FILE = 'directory.yaml';
const keptPolicySchema = z.array(z.strictObject({ name: z.string(), text: z.string() })).min(1);

/** Collects the values of an option that can be given several times. */
export const collected = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];

interface VersionOptions {
  readonly policy?: readonly string[];
  readonly directory?: readonly string[];
}

/** Reads the versions of policy and directory that the options name. */
export async function trustedVersions({
  policy,
  directory,
}: VersionOptions): Promise<Pick<VerifyOptions, 'policies' | 'directories'>> {
  const policies = policy && (await Promise.all(policy.map(policiesIn))).flat();
  const directories = directory && (await Promise.all(directory.map(directoriesIn))).flat();
  return { ...(policies && { policies }), ...(directories && { directories }) };
}

/**
 * Reads versions of policy from a bundle folder, from a file as an archive keeps it under `policy/`, or from a folder of either.
 *
 * @throws UserError if there is none
 */
async function policiesIn(place: string): Promise<readonly (readonly PolicyFile[])[]> {
  const bundle = await bundleIn(place);
  if (bundle !== undefined) return [bundle];
  const policies: (readonly PolicyFile[])[] = [];
  for (const entry of await entriesOf(place)) {
    const one = entry.endsWith('.json') ? await keptPolicy(entry) : await bundleIn(entry);
    if (one !== undefined) policies.push(one);
  }
  if (policies.length === 0) throw new UserError(`${place} holds no policy bundle`);
  return policies;
}

/**
 * Reads versions of the directory from a file, from a bundle folder, or from a folder of files as an archive keeps them
 * under `directory/`. Returns their texts.
 *
 * @throws UserError if there is none
 */
async function directoriesIn(place: string): Promise<readonly string[]> {
  const entries = await entriesOf(place);
  const own = entries.find((entry) => path.basename(entry) === DIRECTORY_FILE);
  const files = own === undefined ? entries.filter((entry) => entry.endsWith('.yaml')) : [own];
  const isFile = entries.length === 1 && entries[0] === place;
  const texts: string[] = [];
  for (const file of isFile ? [place] : files) texts.push(await textOf(file, 'the directory file'));
  if (texts.length === 0) throw new UserError(`${place} holds no directory file`);
  return texts;
}

/** Reads a small file as text. `what` names its content in messages. */
export async function textOf(file: string, what: string): Promise<string> {
  try {
    return (await readBounded(file, LARGEST_BYTES)).toString('utf8');
  } catch (error) {
    const why = error instanceof UnreadableFile ? error.message : `${file}: cannot be read`;
    throw new UserError(`cannot read ${what}: ${why}`);
  }
}

async function bundleIn(dir: string): Promise<readonly PolicyFile[] | undefined> {
  const files = await readBundleFiles(dir);
  const isBundle = files.ok && [...files.value.keys()].some((name) => name.endsWith('.cedar'));
  return isBundle ? policyFilesOf(files.value) : undefined;
}

async function keptPolicy(file: string): Promise<readonly PolicyFile[]> {
  try {
    return keptPolicySchema.parse(JSON.parse(await textOf(file, 'the policy')));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${file} is not a version of policy as an archive keeps it`);
  }
}

/** Returns the entries of a folder, or the path itself if it is a file. */
async function entriesOf(place: string): Promise<readonly string[]> {
  const isFolder = await stat(place).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (!isFolder) return [place];
  const names = await readdir(place);
  if (names.length > MOST_VERSIONS)
    throw new UserError(
      `${place} holds more than ${MOST_VERSIONS} files; name the versions that counted one by one`,
    );
  return names.sort().map((name) => path.join(place, name));
}
