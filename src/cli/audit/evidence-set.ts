import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { parseEvidenceBytes, type ReadEvidence, readEvidenceFile } from '../../audit/evidence/file';
import type { EvidenceFile } from '../../audit/evidence/schema';
import type { Check } from '../../audit/verify/finding';
import { firstUnsound } from '../../audit/verify/soundness';
import type { Context } from '../context';
import { UserError } from '../output';
import { archiveAtHand } from './source';

/** A piece of evidence, and where it was. */
interface Found {
  readonly origin: string;
  readonly evidence: EvidenceFile;
}

/** What is checked of each piece before it is told. */
export const CHECKED: readonly Check[] = ['seal', 'chain', 'course'];

/**
 * Evidence to report on: the files and folders that are named, or else the archive. Of a request that is there several
 * times, as it stood and as it closed, the longest counts, where it goes on from the others; where it does not, each is
 * reported, and that they contradict each other is said. What does not hold in itself is passed over, and that is said.
 */
export async function evidenceSet(
  places: readonly string[],
  context: Context,
): Promise<readonly EvidenceFile[]> {
  const found = places.length > 0 ? inFiles(places, context) : inArchive(context);
  const latest = new Map<string, Found[]>();
  for await (const one of found) {
    const { evidence, origin } = one;
    const unsound = firstUnsound(evidence);
    if (unsound !== undefined) {
      const { check, where, message } = unsound;
      context.announce(
        `countersign: passed over: ${origin}: does not hold: ${check} at ${where}: ${message}`,
      );
      continue;
    }
    const key = `${evidence.request} ${evidence.runs[0]?.runId ?? ''}`;
    const known = latest.get(key) ?? [];
    const before = known.findIndex((other) => goesOnFrom(evidence, other.evidence));
    const isKnown = before < 0 && known.some((other) => goesOnFrom(other.evidence, evidence));
    if (before >= 0) known[before] = one;
    else if (!isKnown) known.push(one);
    latest.set(key, known);
  }
  for (const [key, all] of latest)
    if (all.length > 1)
      context.announce(
        `countersign: ${key.split(' ')[0]}: these contradict each other, at least one is forged: ${all.map(({ origin }) => origin).join(', ')}`,
      );
  return [...latest.values()].flat().map(({ evidence }) => evidence);
}

const hashesOf = ({ steps }: EvidenceFile): readonly string[] =>
  steps.flatMap(({ events }) => events.map(({ hash }) => hash));

/** Whether one course begins with the other: the hash of an event stands for all before it. */
function goesOnFrom(later: EvidenceFile, earlier: EvidenceFile): boolean {
  return hashesOf(later)[hashesOf(earlier).length - 1] === earlier.head;
}

async function* inFiles(places: readonly string[], context: Context): AsyncGenerator<Found> {
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
      if (read.ok) yield { origin: file, evidence: read.evidence };
      // In a folder there may be other things; a file that was named must be evidence.
      else if (isFolder) context.announce(`countersign: passed over: ${read.message}`);
      else throw new UserError(read.message, 1, 'BAD_EVIDENCE');
    }
  }
}

async function* inArchive(context: Context): AsyncGenerator<Found> {
  const archive = archiveAtHand(context);
  if (archive === undefined)
    throw new UserError('name files or folders of evidence, or set COUNTERSIGN_ARCHIVE', 2);
  try {
    for (const kind of ['checkpoint/', 'evidence/'])
      for (const name of await archive.list(kind)) {
        if (!name.endsWith('.json')) continue;
        const read = await archive.get(name).then(
          (content) => inPlace(content, name),
          (error: unknown): ReadEvidence => ({ ok: false, message: reasonOf(error, name) }),
        );
        if (read.ok) yield { origin: name, evidence: read.evidence };
        else context.announce(`countersign: passed over: ${read.message}`);
      }
  } finally {
    await archive.close();
  }
}

const reasonOf = (error: unknown, name: string): string =>
  `${name}: ${error instanceof Error ? error.message : 'cannot be read'}`;

/** What lies in an archive must be what its name says. */
function inPlace(content: Buffer | undefined, name: string): ReadEvidence {
  if (content === undefined) return { ok: false, message: `${name}: is gone` };
  const read = parseEvidenceBytes(content, name);
  if (!read.ok) return read;
  const { request, runs } = read.evidence;
  const [, named, run = ''] = name.replace(/\.json$/, '').split('/');
  const isOfRun = run === runs.at(-1)?.runId || run.startsWith(`${runs.at(-1)?.runId}-`);
  if (named === request && isOfRun) return read;
  return { ok: false, message: `${name}: is evidence of ${request}, in the place of another` };
}
