import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { parseEvidence } from '../../../src/audit/evidence/file';
import { Replayer } from '../../../src/audit/replay';
import { verifyEvidence } from '../../../src/audit/verify/verify';
import { findingsIn, keptEvidence } from '../../support/audit';
import { noticedBy, RememberingReplay } from '../../support/audit-reseal';
import { canonicalTextOf, changesOf } from '../../support/audit-tamper';

Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'ERROR' } } });
const code = readFileSync(path.join(__dirname, '../../../dist/workflow-bundle.js'), 'utf8');
const replayer = new Replayer({ code }, { withinMs: 5_000 });
const remembering = new RememberingReplay(replayer);
afterAll(() => replayer.close());
const lives = keptEvidence();
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

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
    for (const { kind, path: where, value } of changesOf(JSON.parse(text))) {
      count += 1;
      const intact = isObject(value) && quickSealOf(value) === value['seal'];
      if (intact) unnoticed.push(`${kind} ${where}`);
      // The seal is what finds them all; every so often the whole way is gone, from the file to the findings.
      if (count % 101 !== 0) continue;
      const read = parseEvidence(JSON.stringify(value), name);
      if (read.ok && (await verifyEvidence(read.evidence, {})).ok) unnoticed.push(`${kind} ${where}`);
    }
    expect(unnoticed).toEqual([]);
    expect(count).toBeGreaterThan(300);
  }, 300_000);
});

/*
 * A forger who knows the format makes every hash good again. What is found then is found by what cannot be made again:
 * signatures, policy, the rules, the history. The rest carries no meaning for what was decided; only the log, or the
 * directory itself, finds it. Every place where a change goes unnoticed must be in this list, with the reason.
 */
const MEANINGLESS: readonly (readonly [RegExp, string])[] = [
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
    /^runs.*\.(taskId|identity|requestId|historySizeBytes|workerVersion|sdkMetadata|meteringMetadata|attempt|taskQueue)/,
    'what server and worker note for themselves',
  ],
  [
    /^runs.*\.(header|firstWorkflowTaskBackoff|firstExecutionRunId|\w+EventId|\w*[Tt]imeout)/,
    'what server and worker note for themselves',
  ],
  [/^runs.*\.eventTime/, 'the time of an event at which the workflow did not look at the clock'],
  [
    /^runs.*\.(upsertWorkflowSearchAttributesEventAttributes|userMetadata)/,
    'what lists and the UI showed; the steps say what was so',
  ],
  [/^runs.*\.details\.data/, "the SDK's note beside a result: when it ran and how often it was tried"],
  [
    /^runs.*\.payloads\[\d+\](\.metadata.*)?$/,
    'a payload doubled or labelled otherwise, which is read as before',
  ],
  [
    /^runs.*\.result(\.payloads\[0\]\.data)?$/,
    'of what the workflow returns only the status is told elsewhere',
  ],
  [
    /^runs.*\.(updateId|protocolInstanceId|acceptedRequest\w+|retryState)/,
    'by which server and worker match messages',
  ],
];

describe('AUD-3 a forger who makes every hash good again is found by what cannot be made again', () => {
  // TAMPER_LIVES=all TAMPER_HISTORY=1 goes through every life and through the histories too; that takes an hour.
  const chosen = process.env['TAMPER_LIVES']?.split(',') ?? ['hard-stop', 'emergency'];
  test.each(lives.filter(({ name }) => chosen.includes(name) || chosen[0] === 'all'))('$name', async ({
    name,
    text,
  }) => {
    const found = new Map<string, number>();
    const unexplained: string[] = [];
    for (const { kind, path: where, value } of changesOf(JSON.parse(text))) {
      if (process.env['TAMPER_HISTORY'] !== '1' && where.startsWith('runs')) continue;
      const check = await noticedBy(value, { replayer: remembering });
      const known = MEANINGLESS.find(([place]) => place.test(where));
      const verdict = check ?? (known === undefined ? 'unexplained' : 'without meaning');
      found.set(verdict, (found.get(verdict) ?? 0) + 1);
      if (verdict === 'unexplained') unexplained.push(`${kind} ${where}`);
    }
    process.stderr.write(`${name} ${JSON.stringify(Object.fromEntries(found))}\n`);
    expect(unexplained).toEqual([]);
  }, 3_000_000);
});
