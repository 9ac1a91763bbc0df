import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '../../stack/errors';
import { UserError } from '../output';
import type { Texts } from './bundle-text';

/** What only its owner may read. */
const SECRET = /^(?:\.countersign(?:\/|$)|countersign\.env$)/;
/** Moved first: nothing may refer to a key that is not there yet. */
const FIRST = '.countersign';

export interface Placed {
  /** Files that were written, and files that were there and are as they were. */
  readonly written: readonly string[];
  readonly kept: readonly string[];
}

/**
 * Writes files into a folder, as a whole: into a draft beside it, which is looked at and then renamed. A file that is there stays as
 * it is. If anything goes wrong before, nothing is left behind.
 *
 * @param check looks at the draft; throws if it is not good
 * @throws UserError of one line if the folder cannot be written
 */
export async function place(
  dir: string,
  texts: Texts,
  check: (draft: string) => Promise<void>,
): Promise<Placed> {
  const kept = [...texts.keys()].filter((name) => existsSync(path.join(dir, name)));
  const written = [...texts.keys()].filter((name) => !kept.includes(name));
  if (written.length === 0) return { written, kept };
  const isNew = !existsSync(dir);
  let draft: string | undefined;
  try {
    await mkdir(path.dirname(dir), { recursive: true });
    // In the folder itself if it exists, so that renaming never crosses a file system.
    draft = await mkdtemp(isNew ? `${dir}.init-` : path.join(dir, '.init-'));
    for (const name of written) await writeIn(draft, name, texts.get(name) ?? '');
    await check(draft);
    if (isNew) {
      await chmod(draft, 0o755);
      await rename(draft, dir);
      draft = undefined;
    } else await moveInto(draft, dir);
    return { written, kept };
  } catch (error) {
    const code = codeOf(error);
    if (typeof code === 'string' && /^E[A-Z]+$/.test(code))
      throw new UserError(`cannot write into ${dir}: ${code}`);
    throw error;
  } finally {
    if (draft !== undefined) await rm(draft, { recursive: true, force: true });
  }
}

async function writeIn(draft: string, name: string, text: string): Promise<void> {
  const isSecret = SECRET.test(name);
  const file = path.join(draft, name);
  await mkdir(path.dirname(file), { recursive: true, mode: isSecret ? 0o700 : 0o755 });
  await writeFile(file, text, { mode: isSecret ? 0o600 : 0o644, flag: 'wx' });
}

/** Renames what is in a draft into the folder: a whole folder if there is none of its name yet, else what is in it. */
async function moveInto(draft: string, dir: string): Promise<void> {
  const names = (await readdir(draft)).sort((one, other) => Number(other === FIRST) - Number(one === FIRST));
  for (const name of names) {
    const from = path.join(draft, name);
    const to = path.join(dir, name);
    const isFolder = (await stat(from)).isDirectory();
    if (isFolder && existsSync(to)) await moveInto(from, to);
    else await rename(from, to);
  }
}
