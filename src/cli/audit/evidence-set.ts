import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ArchiveSink } from '../../audit/archive/sink';
import { parseEvidenceBytes, readEvidenceFile } from '../../audit/evidence/file';
import type { EvidenceFile } from '../../audit/evidence/schema';
import type { Context } from '../context';
import { UserError } from '../output';
import { archiveOf } from './source';

/**
 * Evidence to report on: the files and folders that are named, or else the archive. Of a request that is there several
 * times, as it stood and as it closed, the longest counts.
 */
export async function evidenceSet(
  places: readonly string[],
  context: Context,
): Promise<readonly EvidenceFile[]> {
  const found = places.length > 0 ? inFiles(places, context) : inArchive(context);
  const latest = new Map<string, EvidenceFile>();
  for await (const evidence of found) {
    const run = evidence.runs[0]?.runId ?? '';
    const known = latest.get(`${evidence.request} ${run}`);
    if (known === undefined || known.steps.length <= evidence.steps.length)
      latest.set(`${evidence.request} ${run}`, evidence);
  }
  return [...latest.values()];
}

async function* inFiles(places: readonly string[], context: Context): AsyncGenerator<EvidenceFile> {
  for (const place of places) {
    const isFolder = await stat(place).then(
      (found) => found.isDirectory(),
      () => false,
    );
    const names = isFolder ? await readdir(place, { recursive: true }) : [];
    const files = isFolder
      ? names
          .filter((name) => name.endsWith('.json') && !/^(policy|raw)\//.test(name))
          .map((name) => path.join(place, name))
      : [place];
    for (const file of files.sort()) {
      const read = await readEvidenceFile(file);
      if (read.ok) yield read.evidence;
      // In a folder there may be other things; a file that was named must be evidence.
      else if (isFolder) context.announce(`countersign: passed over: ${read.message}`);
      else throw new UserError(read.message, 1, 'BAD_EVIDENCE');
    }
  }
}

async function* inArchive(context: Context): AsyncGenerator<EvidenceFile> {
  const archive: ArchiveSink | undefined = archiveOf(context);
  if (archive === undefined)
    throw new UserError('name files or folders of evidence, or set COUNTERSIGN_ARCHIVE', 2);
  try {
    for (const kind of ['checkpoint/', 'evidence/'])
      for (const name of await archive.list(kind)) {
        if (!name.endsWith('.json')) continue;
        const content = await archive.get(name);
        const read = content && parseEvidenceBytes(content, name);
        if (read?.ok) yield read.evidence;
        else context.announce(`countersign: passed over: ${read?.message ?? `${name} is gone`}`);
      }
  } finally {
    await archive.close();
  }
}
