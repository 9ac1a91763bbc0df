import { readFile, stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import type { PrincipalId } from '../../domain/principal';
import { fetchBounded } from '../../outbound/fetch-bounded';
import { isPrivateOnTheWay } from '../../outbound/inner-address';
import { CALENDAR_PROGRAM } from '../../project';
import { CALENDAR_LIMITS, type CalendarQuestion, type Shift, type Shifts } from './calendar';
import { principalOf } from './principal-name';
import type { Snapshot } from './snapshot';
import type { CalendarRules } from './sources-file';

const FETCH_WITHIN_MS = 10_000;
const READ_WITHIN_MS = 10_000;
const RESOURCES = { maxOldGenerationSizeMb: 256 };
/** How far ahead gaps are looked for. */
const AHEAD_MS = 7 * 86_400_000;
const MOST_REMARKS = 20;

/** Who is on call at a moment. */
export interface OnCall {
  readonly people: readonly PrincipalId[];
  /** What was left out, who is not known, and when nobody is on call in the week that follows. One line each. */
  readonly remarks: readonly string[];
}

/**
 * Reads a calendar and returns who is on call at a moment.
 *
 * @param isKnown whether the directory has somebody; others are told, and are not on call
 * @throws Error of one line, without the address, if it cannot be read, or puts more people on call than it may
 */
export async function readOnCall(
  rules: CalendarRules,
  atMs: number,
  isKnown: (id: PrincipalId) => boolean,
  run: (question: CalendarQuestion) => Promise<Shifts> = readApart,
): Promise<OnCall> {
  const text = await textOf(rules);
  const { who, zone } = rules;
  const read = await run({
    text,
    who,
    ...(zone !== undefined && { zone }),
    fromMs: atMs,
    toMs: atMs + AHEAD_MS,
  });
  const remarks = new Set(read.remarks);
  const known = read.shifts.map((shift) => ({ ...shift, people: peopleOf(shift, rules, isKnown, remarks) }));
  const now = known.filter(({ startMs, endMs }) => startMs <= atMs && atMs < endMs);
  const people = [...new Set(now.flatMap((shift) => shift.people))].sort();
  if (people.length > rules.most)
    throw new Error(`it would put ${people.length} people on call, over its limit of ${rules.most}`);
  for (const gap of gapsIn(
    known.filter((shift) => shift.people.length > 0),
    atMs,
  ))
    remarks.add(gap);
  return { people, remarks: [...remarks].slice(0, MOST_REMARKS) };
}

/** A calendar as a source has it: it gives one group its members, and nothing else. */
export const onCallSnapshot = (source: string, { group }: CalendarRules, { people }: OnCall): Snapshot => ({
  source,
  people: [],
  groups: { [group]: [...people] },
  roles: {},
});

function peopleOf(
  { who }: Shift,
  { people, peopleBy }: CalendarRules,
  isKnown: (id: PrincipalId) => boolean,
  remarks: Set<string>,
): readonly PrincipalId[] {
  const named = new Map(Object.entries(people).map(([name, id]) => [name.toLowerCase(), id]));
  return who.flatMap((name) => {
    const id = named.get(name.toLowerCase()) ?? (peopleBy === 'email' ? principalOf(name) : undefined);
    if (id !== undefined && isKnown(id)) return [id];
    remarks.add(`${shown(name)} is on call there and nobody in the directory; add them to "people"`);
    return [];
  });
}

/** Yields the times of the week that follows in which nobody is on call. */
function* gapsIn(shifts: readonly Shift[], atMs: number): Generator<string> {
  const at = (ms: number) => new Date(ms).toISOString().slice(0, 16);
  let coveredMs = atMs;
  for (const { startMs, endMs } of shifts) {
    if (startMs > coveredMs) yield `nobody is on call from ${at(coveredMs)}Z to ${at(startMs)}Z`;
    coveredMs = Math.max(coveredMs, endMs);
  }
  if (coveredMs < atMs + AHEAD_MS)
    yield coveredMs === atMs
      ? 'nobody is on call in the next week'
      : `nobody is on call from ${at(coveredMs)}Z on`;
}

/** Letters that only look like those of another name are written as what they are. */
const shown = (text: string): string =>
  JSON.stringify(text.slice(0, 64)).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

async function textOf({ file, urlFile }: CalendarRules): Promise<string> {
  if (file !== undefined) {
    const about = await stat(file).catch(() => undefined);
    if (about === undefined) throw new Error(`${file} cannot be read`);
    if (about.size > CALENDAR_LIMITS.bytes)
      throw new Error(`it has more than ${CALENDAR_LIMITS.bytes} bytes`);
    return readFile(file, 'utf8');
  }
  // The address is a secret: whoever has it reads the calendar.
  const address = (await readFile(urlFile ?? '', 'utf8').catch(() => ''))
    .trim()
    .replace(/^webcals?:/, 'https:');
  if (!isPrivateOnTheWay(address)) throw new Error(`${urlFile} holds no https:// address`);
  const answer = await fetchBounded(new URL(address), {
    withinMs: FETCH_WITHIN_MS,
    mostBytes: CALENDAR_LIMITS.bytes,
    headers: { accept: 'text/calendar' },
  });
  if (answer.status !== 200) throw new Error(`it answered ${answer.status}`);
  return answer.text;
}

/** Reads the shifts in a thread, which is ended if it takes too long. */
async function readApart(question: CalendarQuestion): Promise<Shifts> {
  const thread = new Worker(CALENDAR_PROGRAM, { workerData: question, resourceLimits: RESOURCES });
  const tooLong = setTimeout(() => void thread.terminate(), READ_WITHIN_MS);
  try {
    const read = await new Promise<{ ok: true; value: Shifts } | { ok: false; why: string }>(
      (resolve, reject) => {
        thread.once('message', resolve);
        thread.once('error', () => reject(new Error('it needs more memory than it may have')));
        thread.once('exit', () =>
          reject(new Error('it takes too long; a rule in it may never come to an end')),
        );
      },
    );
    if (!read.ok) throw new Error(read.why);
    return read.value;
  } finally {
    clearTimeout(tooLong);
    await thread.terminate();
  }
}
