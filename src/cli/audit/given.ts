import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { readBounded, UnreadableFile } from '../../audit/evidence/bounded-file';
import { type PolicyFile, policyFilesOf } from '../../audit/evidence/policy';
import { readBundleFiles } from '../../policy/load-bundle';
import { UserError } from '../output';

const MOST_VERSIONS = 1_024;
const LARGEST_BYTES = 16 * 1024 * 1024;
const DIRECTORY_FILE = 'directory.yaml';
const keptPolicySchema = z.array(z.strictObject({ name: z.string(), text: z.string() })).min(1);

/**
 * Versions of policy at a place: a bundle folder, a file as an archive keeps it under `policy/`, or a folder of either.
 *
 * @throws UserError where there is none
 */
export async function policiesIn(place: string): Promise<readonly (readonly PolicyFile[])[]> {
  const bundle = await bundleIn(place);
  if (bundle !== undefined) return [bundle];
  const found: (readonly PolicyFile[])[] = [];
  for (const entry of await entriesOf(place)) {
    const one = entry.endsWith('.json') ? await keptPolicy(entry) : await bundleIn(entry);
    if (one !== undefined) found.push(one);
  }
  if (found.length === 0) throw new UserError(`${place} holds no policy bundle`);
  return found;
}

/**
 * Texts of versions of the directory at a place: a file, a bundle folder, or a folder of files as an archive keeps them
 * under `directory/`.
 *
 * @throws UserError where there is none
 */
export async function directoriesIn(place: string): Promise<readonly string[]> {
  const entries = await entriesOf(place);
  const own = entries.find((entry) => path.basename(entry) === DIRECTORY_FILE);
  const files = own === undefined ? entries.filter((entry) => entry.endsWith('.yaml')) : [own];
  const isFile = entries.length === 1 && entries[0] === place;
  const texts: string[] = [];
  for (const file of isFile ? [place] : files) texts.push(await textOf(file, 'the directory file'));
  if (texts.length === 0) throw new UserError(`${place} holds no directory file`);
  return texts;
}

/** A small file as text. */
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
    throw new UserError(`${file} is no version of policy as an archive keeps it`);
  }
}

/** What is in a folder, or the file itself. */
async function entriesOf(place: string): Promise<readonly string[]> {
  const isFolder = await stat(place).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return [place];
  const names = await readdir(place);
  if (names.length > MOST_VERSIONS)
    throw new UserError(`${place} holds more than ${MOST_VERSIONS} files; name those that counted`);
  return names.sort().map((name) => path.join(place, name));
}
