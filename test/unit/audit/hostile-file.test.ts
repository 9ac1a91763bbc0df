import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FolderSink } from '../../../src/audit/archive/folder-sink';
import { ArchivedVersions } from '../../../src/audit/archive/versions';
import { readBounded } from '../../../src/audit/evidence/bounded-file';
import {
  evidenceText,
  parseEvidence,
  parseEvidenceBytes,
  readEvidenceFile,
} from '../../../src/audit/evidence/file';
import { BoundedPattern, policyDigestOf } from '../../../src/audit/evidence/policy';
import { firstDifference } from '../../../src/audit/evidence/recheck';
import type { EvidenceFile } from '../../../src/audit/evidence/schema';
import { seatsOf } from '../../../src/audit/verify/duties';
import { verifyEvidence } from '../../../src/audit/verify/verify';
import { findingsIn, keptEvidence } from '../../support/audit';
import { resealed } from '../../support/audit-reseal';

const kept = keptEvidence();
const life = (name: string): EvidenceFile => {
  const found = kept.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found.evidence;
};
const made = (value: unknown): EvidenceFile => {
  const evidence = resealed(value);
  if (evidence === undefined) throw new Error('the result is not evidence');
  return evidence;
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-hostile-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('AUD-3 a file that was made to mislead or to keep a verifier busy', () => {
  test('a byte that is no UTF-8 is found, though it reads like the character that stands for one', () => {
    const evidence = made({ ...life('denied'), software: { countersign: '\ufffd', temporalSdk: '1' } });
    const bytes = Buffer.from(evidenceText(evidence));
    expect(parseEvidenceBytes(bytes, 'genuine')).toMatchObject({ ok: true });
    const at = bytes.indexOf(Buffer.from('\ufffd'));
    const changed = Buffer.concat([bytes.subarray(0, at), Buffer.of(0xff), bytes.subarray(at + 3)]);
    expect(changed.toString('utf8')).toBe(bytes.toString('utf8'));
    expect(parseEvidenceBytes(changed, 'changed')).toEqual({
      ok: false,
      message: 'changed: is not JSON: some of its bytes are not UTF-8',
    });
    const marked = Buffer.concat([Buffer.from('\ufeff'), bytes]);
    expect(parseEvidenceBytes(marked, 'marked').ok).toBe(false);
  });

  test('a lease whose end no calendar has is no evidence', () => {
    const text = evidenceText(life('two-stages'));
    const late = text.replaceAll(/"expiresAtMs":\d+/g, '"expiresAtMs":1e300');
    expect(late).not.toBe(text);
    expect(parseEvidence(late, 'late')).toEqual({ ok: false, message: expect.stringMatching(/expiresAtMs/) });
  });

  test('what is nested without end is told apart, and not by the end of the stack', () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    const text = evidenceText(life('denied')).replace('"events":[', `"events":[{"x":${deep}},`);
    expect(parseEvidence(text, 'deep')).toEqual({
      ok: false,
      message: expect.stringMatching(/^deep: is nested more than 800 levels deep/),
    });
  });

  test('a difference is found in one walk, however deep and however far from the top it lies', () => {
    const nested = (end: unknown) => {
      let value: unknown = [...Array.from({ length: 20_000 }, (_, at) => `${at}`), end];
      for (let level = 0; level < 700; level += 1) value = { a: value };
      return value;
    };
    // Comparing the text of what is left at each level would be 700 times as much.
    expect(firstDifference(nested(1), nested(2))).toBe(`${'a.'.repeat(700)}20000`);
    expect(firstDifference(nested({ a: 1, b: 2 }), nested({ b: 2, a: 1 }))).toBeUndefined();
    expect(firstDifference({ a: [] }, { a: {} })).toBe('a');
    expect(firstDifference({}, { a: undefined })).toBeUndefined();
    expect(firstDifference(1, '1')).toBe('the whole');
  });

  test('a pipe, a folder and a file that grows beyond its limit are not read', async () => {
    const pipe = path.join(folder, 'pipe.json');
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    expect(await readEvidenceFile(pipe)).toEqual({ ok: false, message: `${pipe}: is not a regular file` });
    expect(await readEvidenceFile(folder)).toEqual({
      ok: false,
      message: `${folder}: is not a regular file`,
    });
    await expect(readBounded('/dev/zero', 10)).rejects.toThrow('/dev/zero: is not a regular file');
    const file = path.join(folder, 'large');
    writeFileSync(file, Buffer.alloc(100));
    expect(await readBounded(file, 100)).toHaveLength(100);
    await expect(readBounded(file, 99)).rejects.toThrow('limit of');
    // Such a file says that it is empty.
    await expect(readBounded('/proc/self/maps', 10)).rejects.toThrow('limit of');
    spawnSync('mkdir', ['-p', path.join(folder, 'policy')]);
    spawnSync('mkfifo', [path.join(folder, 'policy', 'pipe.json')]);
    await expect(new FolderSink(folder).get('policy/pipe.json')).rejects.toThrow('is not a regular file');
  });

  test('a pattern of tickets that would backtrack for ever is broken off, and never tried again', () => {
    const endless = new BoundedPattern(/^(?:(a+)+b)$/);
    for (let tries = 0; tries < 1_000; tries += 1)
      expect(() => endless.test('a'.repeat(64))).toThrow('takes too long');
    const harmless = new BoundedPattern(/^(?:OPS-\d+)$/);
    expect(['OPS-1', 'OPS-x', 'xOPS-1'].map((ticket) => harmless.test(ticket))).toEqual([true, false, false]);
  });

  test('more statements than can count are told so, and not reckoned with', async () => {
    const evidence = life('two-stages');
    const steps = evidence.steps.map(({ events, ...step }) => ({
      ...step,
      events: events.flatMap((one) =>
        one.event.type === 'statement_accepted' ? Array.from({ length: 65 }, () => one) : [one],
      ),
    }));
    const crowded = made({ ...evidence, steps });
    expect(findingsIn(await verifyEvidence(crowded, {}))).toContain(
      'duties steps: more than 64 statements counted',
    );
    expect(seatsOf(crowded)).toEqual([]);
    expect(seatsOf(evidence).length).toBeGreaterThan(1);
  });
});

test('AUD-4 what somebody else put among the versions of an archive is passed over', async () => {
  const place = path.join(folder, 'versions');
  const digest = policyDigestOf([{ name: 'a.cedar', text: '' }]);
  mkdirSync(path.join(place, 'policy', 'deep', 'er', 'still'), { recursive: true });
  const garbage = `${digest.replace(':', '.')}.json`;
  for (const name of [garbage, 'x.json', 'deep/er/still/x.json'])
    writeFileSync(path.join(place, 'policy', name), 'x');
  const archived = new ArchivedVersions(new FolderSink(place));
  expect(await archived.digests()).toEqual({ policies: [digest], directories: [] });
  expect(await archived.policy(digest)).toBeUndefined();
});

describe('AUD-3 what was not checked is not said to have passed', () => {
  test('where a history cannot be read, what needs it was not checked, and the rest was', async () => {
    const evidence = life('two-stages');
    const [run] = evidence.runs;
    const runs = [{ runId: run?.runId ?? '', history: { events: [{ nonsense: 1 }] } }];
    const { ok, results } = await verifyEvidence(made({ ...evidence, runs }), {
      replayer: { replay: () => Promise.reject(new Error('nothing is replayed')) },
      directories: ['people: {}'],
      policies: [],
    });
    const states = Object.fromEntries(results.map(({ check, state }) => [check, state]));
    expect(ok).toBe(false);
    expect(states).toEqual({
      form: 'not checked',
      seal: 'passed',
      chain: 'passed',
      versions: 'not checked',
      decisions: 'passed',
      assessment: 'not checked',
      statements: 'not checked',
      duties: 'passed',
      history: 'failed',
      policy: 'failed',
      directory: 'not checked',
      log: 'not checked',
    });
  });
});
