import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { parseEvidence } from '../../src/audit/evidence/file';
import type { EvidenceFile } from '../../src/audit/evidence/schema';
import { ReplayProcess } from '../../src/audit/replay-process';
import { verifyEvidence } from '../../src/audit/verify/verify';
import { findingsIn, keptEvidence } from '../support/audit';
import { Forgeries } from '../support/audit-reseal';
import { canonicalTextOf, changesOf } from '../support/audit-tamper';

/*
 * `npm run test:slow` tries a sample of the changes of every kind of life. TAMPER_LIVES=all, or names, tries every change of those
 * lives, and with TAMPER_HISTORY=1 those in their histories too. TAMPER_EVERY=20
 * takes every twentieth of them. TAMPER_FIGURES names a file to which figures are added.
 */
const { TAMPER_LIVES, TAMPER_HISTORY, TAMPER_FIGURES, TAMPER_EVERY = '1' } = process.env;
const isWhole = TAMPER_LIVES !== undefined;
/** So many changes of each life are sealed again; each takes as long as a verification. */
const SAMPLE = 16;

const replayer = new ReplayProcess({ silentMs: 5_000 });
afterAll(() => replayer.close());
const kept = keptEvidence();
const lives = kept.filter(
  ({ name }) => !isWhole || TAMPER_LIVES === 'all' || TAMPER_LIVES.split(',').includes(name),
);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Where a change goes unnoticed, why it may, and in which events alone. */
type Meaningless = readonly [place: RegExp, reason: string, only?: (event: string) => boolean];

/** Every so many changes, from another place on in each life. */
function* every<T>(stride: number, changes: Iterable<T>, name: string): Generator<T> {
  let at = name.length % stride;
  for (const change of changes) {
    if (at === 0) yield change;
    at = (at + 1) % stride;
  }
}

/** The seal, reckoned apart from the product. */
function quickSealOf({ seal: _seal, ...rest }: Readonly<Record<string, unknown>>): string {
  return `sha-256:${createHash('sha256').update(canonicalTextOf(rest)).digest('base64url')}`;
}

describe('AUD-3 evidence of every kind of life verifies from the file alone', () => {
  test.each(lives)('$name', async ({ evidence, text }) => {
    expect(findingsIn(await verifyEvidence(evidence, { text, replayer }))).toEqual([]);
  });
});

describe('AUD-3 any single changed, removed, added, doubled or reordered element is found', () => {
  test.each(lives)('$name', async ({ name, text }) => {
    let count = 0;
    const unnoticed: string[] = [];
    const untouched: unknown = JSON.parse(text);
    expect(isObject(untouched) && quickSealOf(untouched) === untouched['seal']).toBe(true);
    for (const { kind, path: where, value } of every(isWhole ? 1 : 7, changesOf(JSON.parse(text)), name)) {
      count += 1;
      const intact = isObject(value) && quickSealOf(value) === value['seal'];
      if (intact) unnoticed.push(`${kind} ${where}`);
      // The seal is what finds them all; every so often the whole way is gone, from the file to the findings.
      if (count % 101 !== 0) continue;
      const read = parseEvidence(JSON.stringify(value), name);
      if (read.ok && (await verifyEvidence(read.evidence, {})).ok) unnoticed.push(`${kind} ${where}`);
    }
    expect(unnoticed).toEqual([]);
    expect(count).toBeGreaterThan(40);
  }, 600_000);
});

/*
 * A forger who knows the format makes every hash good again. What is found then is found by what cannot be made again:
 * signatures, policy, the rules, the history. The rest carries no meaning for what was decided; only the log, or the
 * directory itself, finds it. Every place where a change goes unnoticed must be in this list, with the reason.
 */
const MEANINGLESS: readonly Meaningless[] = [
  [/^(head|seal|.*\.hash)$/, 'a hash that the forger makes good again: in the end nothing was changed'],
  [/^software\./, 'says what wrote the file; nothing rests on it'],
  [
    /^directories\[\d+\]\.excerpt\.groups\./,
    'a membership by which nobody decided; the directory itself shows it',
  ],
  [
    /^directories\[\d+\]\..*\.accounts/,
    'an account that was not given anything; the directory itself shows it',
  ],
  [
    /^directories\[\d+\]\.excerpt\.(people|identities)\..*\.roles/,
    'a role by which nobody decided; the directory itself shows it',
  ],
  [/^directories\[\d+\]\.excerpt\.delegations/, 'an absence at another time; the directory itself shows it'],
  [
    /^runs.*\.(taskId|identity|requestId|historySizeBytes|workerVersion|sdkMetadata|meteringMetadata|attempt|taskQueue)/,
    'what server and worker note for themselves',
  ],
  [
    /^runs.*\.(header|firstWorkflowTaskBackoff|firstExecutionRunId|\w+EventId|\w*[Tt]imeout)/,
    'what server and worker note for themselves',
  ],
  [/^runs.*\.eventTime/, 'the time of an event at which the workflow did not look at the clock'],
  [
    /^runs.*\.(upsertWorkflowSearchAttributesEventAttributes|searchAttributes|userMetadata)/,
    'what lists and the UI showed; the steps say what was so',
  ],
  [/^runs.*\.details\.data/, "the SDK's note beside a result: when it ran and how often it was tried"],
  [
    /^runs.*\.payloads\[\d+\](\.metadata.*)?$/,
    'a payload doubled or labelled otherwise, which is read as before',
  ],
  [
    /^runs.*\.workflowExecutionCompletedEventAttributes\.result(\.payloads\[0\]\.data)?$/,
    'of what the workflow returns only the status is told elsewhere',
  ],
  [/^runs.*\.details\.result(\.payloads)?$/, 'what an activity yields that yields nothing', yieldsNothing],
  [
    /^runs.*\.(updateId|protocolInstanceId|acceptedRequest\w+|retryState)/,
    'by which server and worker match messages',
  ],
  [
    /^runs.*\.workflowExecutionContinuedAsNewEventAttributes\./,
    'what a run hands on; the next begins with it, and its beginning is looked at itself',
  ],
  [
    /^runs.*\.workflowExecutionUpdateCompletedEventAttributes\.(outcome|meta)/,
    'what the sender of a statement was answered; the steps say what came of it',
  ],
  [
    /^runs.*\.workflowExecutionSignaledEventAttributes\.input/,
    'what came and was no statement at all, whatever it was',
    isNoStatement,
  ],
];

function isMeaningless(where: string, evidence: EvidenceFile): boolean {
  const [, run = '', at = ''] = /^runs\[(\d+)\]\.history\.events\[(\d+)\]/.exec(where) ?? [];
  const event = JSON.stringify(evidence.runs[Number(run)]?.history.events[Number(at)] ?? {});
  return MEANINGLESS.some(([place, , only]) => place.test(where) && (only?.(event) ?? true));
}

/** The result of a local activity without one. */
function yieldsNothing(event: string): boolean {
  return event.includes(Buffer.from('binary/null').toString('base64'));
}

/** A signal without anything that has the form of a signature. */
function isNoStatement(event: string): boolean {
  const payloads = [...event.matchAll(/"data":"([^"]*)"/g)];
  return payloads.every(([, data = '']) => !Buffer.from(data, 'base64').toString().includes('"jws":"ey'));
}

describe('AUD-3 a forger who makes every hash good again is found by what cannot be made again', () => {
  test.each(lives)('$name', async ({ name, text, evidence }) => {
    const forgeries = new Forgeries(evidence, replayer);
    const changes = [...changesOf(JSON.parse(text))].filter(
      ({ path: where }) => !isWhole || TAMPER_HISTORY === '1' || !where.startsWith('runs'),
    );
    const stride = isWhole ? Number(TAMPER_EVERY) : Math.ceil(changes.length / SAMPLE);
    const found: Record<string, number> = {};
    const unnoticed: string[] = [];
    const unexplained: string[] = [];
    for (const { kind, path: where, value } of every(stride, changes, name)) {
      const inHistory = where.startsWith('runs');
      const check = await (inHistory ? forgeries.noticedInHistory(value) : forgeries.noticedBy(value));
      const outcome = check ?? (isMeaningless(where, evidence) ? 'without meaning' : 'unexplained');
      const counted = inHistory ? `in history: ${outcome}` : outcome;
      found[counted] = (found[counted] ?? 0) + 1;
      if (check === undefined) unnoticed.push(`${kind} ${where}`);
      if (outcome === 'unexplained') unexplained.push(`${kind} ${where}`);
    }
    if (TAMPER_FIGURES !== undefined)
      appendFileSync(
        TAMPER_FIGURES,
        `${JSON.stringify({ name, changes: changes.length, found, unnoticed })}\n`,
      );
    expect(unexplained).toEqual([]);
  }, 3_000_000);
});
