import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { parseEvidenceBytes, type ReadEvidence, readEvidenceFile } from '../../audit/evidence/file';
import type { EvidenceFile } from '../../audit/evidence/schema';
import type { Check, Finding } from '../../audit/verify/finding';
import { firstUnsound } from '../../audit/verify/integrity';
import { findingsOf, type VerifyOptions } from '../../audit/verify/verify';
import type { Context } from '../context';
import { UserError } from '../output';
import { archiveAtHand } from './source';

/** A piece of evidence, and where it came from. */
interface Found {
  readonly origin: string;
  readonly evidence: EvidenceFile;
}

/** A piece of evidence with the first thing in it that could not be verified. Undefined if everything could. */
export interface ProvedEvidence extends Found {
  readonly unproved: Finding | undefined;
}

/** Versions of policy and directory that the reader trusts. What is not given is not compared. */
export type Trusted = Pick<VerifyOptions, 'policies' | 'directories'>;

/** A piece that fails one of these is not evidence, and is skipped. */
const SOUND: readonly Check[] = ['seal', 'chain', 'decisions'];
/** Signatures, policy and duties. A piece that fails one of these is shown with a mark. */
const PROVED: readonly Check[] = ['versions', 'assessment', 'statements', 'duties'];

/** Lists the checks that are made of each piece. */
export const checksWith = ({ policies, directories }: Trusted): readonly Check[] => [
  ...SOUND,
  ...PROVED,
  ...(policies === undefined ? [] : (['policy'] as const)),
  ...(directories === undefined ? [] : (['directory'] as const)),
];

/**
 * Reads the evidence to report on, from the files and folders that are named, or else from the archive. If there are several
 * pieces about one request, the longest counts if it continues the others. If they contradict each other, all of them count,
 * and a line on stderr says so. A piece whose seal, hashes or decisions are wrong is skipped, with a line on stderr. In each of
 * the others signatures are verified and policy is asked again, and what could not be verified is said.
 */
export async function evidenceSet(
  places: readonly string[],
  context: Context,
  trusted: Trusted = {},
): Promise<readonly ProvedEvidence[]> {
  const found = places.length > 0 ? inFiles(places, context) : inArchive(context);
  const latest = new Map<string, Found[]>();
  for await (const one of found) {
    const { evidence, origin } = one;
    const unsound = firstUnsound(evidence);
    if (unsound !== undefined) {
      const { check, where, message } = unsound;
      context.announce(`countersign: skipped: ${origin}: fails its checks: ${check} at ${where}: ${message}`);
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
  const proved: ProvedEvidence[] = [];
  const options = { ...trusted, readPolicies: new Map() };
  for (const one of [...latest.values()].flat())
    proved.push({ ...one, unproved: await firstUnproved(one.evidence, options) });
  return proved;
}

/** Returns the first thing that could not be verified. Undefined if signatures, policy and duties hold. */
export async function firstUnproved(
  evidence: EvidenceFile,
  options: VerifyOptions,
): Promise<Finding | undefined> {
  for await (const first of findingsOf(evidence, options)) return first;
  return undefined;
}

const hashesOf = ({ steps }: EvidenceFile): readonly string[] =>
  steps.flatMap(({ events }) => events.map(({ hash }) => hash));

/** Returns true if one sequence of events continues the other. The hash of an event covers all events before it. */
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
      // A folder may hold other files. A file that is named must be evidence.
      else if (isFolder) context.announce(`countersign: skipped: ${read.message}`);
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
        else context.announce(`countersign: skipped: ${read.message}`);
      }
  } finally {
    await archive.close();
  }
}

const reasonOf = (error: unknown, name: string): string =>
  `${name}: ${error instanceof Error ? error.message : 'cannot be read'}`;

/** Checks that a file in an archive is evidence of the request and run that its name says. */
function inPlace(content: Buffer | undefined, name: string): ReadEvidence {
  if (content === undefined) return { ok: false, message: `${name}: is no longer there` };
  const read = parseEvidenceBytes(content, name);
  if (!read.ok) return read;
  const { request, runs } = read.evidence;
  const [, named, run = ''] = name.replace(/\.json$/, '').split('/');
  const isOfRun = run === runs.at(-1)?.runId || run.startsWith(`${runs.at(-1)?.runId}-`);
  if (named === request && isOfRun) return read;
  return { ok: false, message: `${name}: is evidence of ${request}, but its name says another` };
}

/** Says in a line what of a piece could not be verified. */
export const sayUnproved = ({ origin, unproved }: ProvedEvidence): string =>
  `countersign: ${origin}: not proved: ${unproved?.check} at ${unproved?.where}: ${unproved?.message}`;
