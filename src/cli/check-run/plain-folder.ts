import { lstat, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';

const MOST_FILES = 2_000;
const MOST_BYTES = 32 * 1024 * 1024;

/**
 * Returns why a folder that a stranger proposes must not be read, or undefined if it may. A link in it would have us read any file of this
 * machine, whose text could then stand in what we publish.
 *
 * @param below the folder that somebody else put here, such as the workspace of a CI job
 */
export async function whyNotPlain(dir: string, below: string): Promise<string | undefined> {
  const inside = path.relative(path.resolve(below), path.resolve(dir));
  if (inside === '..' || inside.startsWith(`..${path.sep}`) || path.isAbsolute(inside))
    return `is not in ${below}; give a folder of the checkout`;
  const [root, real] = await Promise.all([below, dir].map((one) => realpath(one).catch(() => undefined)));
  if (root === undefined || real === undefined) return 'cannot be read; give the folder of a policy bundle';
  if (real !== path.join(root, inside)) return 'is reached by a link; a proposed bundle must have none';
  const entries = await readdir(real, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return 'is not a folder';
  if (entries.length > MOST_FILES) return `has more than ${MOST_FILES} files`;
  let bytes = 0;
  for (const entry of entries) {
    // A mounted ConfigMap has its files in `..data`. A checkout has none, and what is in there would be read in place of these.
    if (entry.isDirectory() && entry.name !== '..data') continue;
    if (!entry.isFile())
      return `has something that is not a plain file (${JSON.stringify(entry.name)}); remove it`;
    bytes += (await lstat(path.join(real, entry.name))).size;
  }
  return bytes > MOST_BYTES ? `has more than ${MOST_BYTES} bytes` : undefined;
}
