import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { evidenceText } from '../../src/audit/evidence/file';
import {
  type PolicyFile,
  type PolicyText,
  policyDigestOf,
  policyFilesOf,
} from '../../src/audit/evidence/policy';
import type { EvidenceFile } from '../../src/audit/evidence/schema';
import { Replayer } from '../../src/audit/replay';
import { findingsOf, verifyEvidence } from '../../src/audit/verify/verify';
import { registerKey } from '../../src/directory/register-key';
import { digestOfText } from '../../src/domain/digest';
import { LIMITS } from '../../src/domain/limits';
import { readBundleFiles } from '../../src/policy/load/bundle-folder';
import { generateKey, importSigningKey } from '../../src/signing/keys';
import { LIVES } from '../replay/capture';
import { evidenceOf, findingsIn, KEPT_EVIDENCE } from '../support/audit';
import { AUDIT_LIVES, versionsNow } from '../support/audit-lives';
import { continued, FURTHER_LIVES } from '../support/audit-lives-more';
import { resealed, rewritten } from '../support/audit-reseal';
import { changesOf } from '../support/audit-tamper';
import { builtWorkflowBundle, Harness } from '../support/harness';
import { WRITE } from '../support/harness-asks';
import { eventually } from '../support/harness-wait';

const COMMAND = path.resolve(__dirname, '../../bin/countersign.js');
let harness: Harness;
const replayer = new Replayer(builtWorkflowBundle());
beforeAll(async () => {
  // Histories are cut after so many events, for a small one to go on in another run.
  const dynamicConfig = { 'limit.historyCount.suggestContinueAsNew': '150' };
  harness = await Harness.start({ remembers: true, dynamicConfig });
}, 120_000);
afterAll(async () => {
  await replayer.close();
  await harness?.stop();
});

beforeEach(async () => {
  await harness.ledger.openGrants(0);
  await harness.postgres.query('TRUNCATE countersign.ask, countersign.grant_record, countersign.denial');
});

/** Every check, also against the policy and the directory as the verifier has them. */
async function verified(evidence: EvidenceFile): Promise<readonly string[]> {
  const files = await readBundleFiles(harness.bundle.dir);
  if (!files.ok) throw new Error('the bundle cannot be read');
  const verification = await verifyEvidence(evidence, {
    text: evidenceText(evidence),
    replayer,
    policies: [policyFilesOf(files.value)],
    directories: [readFileSync(path.join(harness.bundle.dir, 'directory.yaml'), 'utf8')],
  });
  return findingsIn(verification);
}

const LARGEST_KEPT = 250_000;

/** With CAPTURE_EVIDENCE=1 what is not kept yet is written to test/replay/evidence, for later versions to verify. */
function keep(name: string, evidence: EvidenceFile): void {
  if (process.env['CAPTURE_EVIDENCE'] !== '1') return;
  mkdirSync(KEPT_EVIDENCE, { recursive: true });
  const text = evidenceText(evidence);
  // What a flood leaves behind is a matter for a running server, not for a repository.
  if (text.length > LARGEST_KEPT) return;
  // What an earlier version wrote is there to stay.
  const file = path.join(KEPT_EVIDENCE, `${name}.json`);
  if (!existsSync(file)) writeFileSync(file, text);
}

describe('AUD-3 evidence of every kind of life is made from a running server and holds', () => {
  test.each(Object.entries(LIVES))(
    '%s',
    async (name, life) => {
      const request = await life(harness);
      await harness.cast.over(request);
      const evidence = await evidenceOf(harness, request.id, replayer);
      expect(await verified(evidence)).toEqual([]);
      // The workflow keeps some refusals and counts the others; evidence has them all.
      let refusals = 0;
      const recorded = evidence.steps
        .flatMap(({ events }) => events.map(({ event }) => event))
        .filter(({ type }) => type !== 'statements_dropped')
        .filter(({ type }) => {
          if (type === 'statement_refused') refusals += 1;
          return type !== 'statement_refused' || refusals <= LIMITS.keptRefusals;
        });
      expect(JSON.parse(JSON.stringify(recorded))).toEqual(await harness.cast.events(request));
      keep(name, evidence);
    },
    180_000,
  );

  test.each(Object.entries({ ...AUDIT_LIVES, ...FURTHER_LIVES }))('%s', async (name, live) => {
    const { requestId, versions } = await live(harness);
    const evidence = await evidenceOf(harness, requestId, replayer, versions);
    const findings = findingsIn(await verifyEvidence(evidence, { text: evidenceText(evidence), replayer }));
    expect(findings).toEqual([]);
    if (versions === undefined) expect(await verified(evidence)).toEqual([]);
    keep(name, evidence);
  });

  test('a request whose history was cut and goes on in another run', async () => {
    const { requestId } = await continued(harness);
    const evidence = await evidenceOf(harness, requestId, replayer);
    const [first, ...rest] = evidence.runs;
    expect(rest.length).toBeGreaterThan(0);
    const attempts = evidence.steps.map(({ command, received }) =>
      command.type === 'record_dropped' ? command.count : Number(received !== undefined),
    );
    const refused = attempts.reduce((sum, count) => sum + count, 0) - 2;
    expect(refused).toBe((await harness.client.get(requestId)).refusalCount);
    expect(first).toBeDefined();
    const { ok } = await verifyEvidence({ ...evidence, runs: rest }, { replayer });
    expect(ok).toBe(false);
    keep('continued', evidence);
  }, 120_000);
});

describe('AUD-3 policy and directory, as the verifier has them from elsewhere, find what else nothing finds', () => {
  let evidence: EvidenceFile;
  let given: { readonly policy: readonly PolicyFile[]; readonly directory: string };
  beforeAll(async () => {
    const request = await harness.cast.ask({ ...WRITE, durationMs: 300 });
    await harness.cast.say('person/mira', 'approve', request);
    await harness.cast.over(request);
    evidence = await evidenceOf(harness, request.id, replayer);
    const files = await readBundleFiles(harness.bundle.dir);
    if (!files.ok) throw new Error('the bundle cannot be read');
    const directory = readFileSync(path.join(harness.bundle.dir, 'directory.yaml'), 'utf8');
    given = { policy: policyFilesOf(files.value), directory };
  });

  test('every change of an excerpt, though every hash was made good again', async () => {
    const readPolicies = new Map<string, PolicyText>();
    const changes = [...changesOf(JSON.parse(evidenceText(evidence)))].filter(({ path: where }) =>
      where.startsWith('directories'),
    );
    const unnoticed: string[] = [];
    let count = 0;
    for (const { kind, path: where, value } of changes) {
      count += 1;
      const forged = resealed(value);
      if (forged === undefined) continue;
      const findings = findingsOf(forged, { directories: [given.directory], readPolicies });
      if ((await findings.next()).done === true) unnoticed.push(`${kind} ${where}`);
    }
    expect(unnoticed).toEqual([]);
    expect(count).toBeGreaterThan(100);
  }, 120_000);

  test('a directory in which someone was away for longer, rewritten throughout', async () => {
    const [old] = evidence.directories;
    const forged = rewritten(evidence, [
      [old?.digest ?? '', digestOfText('another directory')],
      ['"until":"2026-08-17"', '"until":"2026-09-17"'],
    ]);
    expect(forged.directories).not.toEqual([{ ...old, digest: digestOfText('another directory') }]);
    expect(findingsIn(await verifyEvidence(forged, { replayer }))).toEqual([]);
    const caught = await verifyEvidence(forged, { replayer, directories: [given.directory] });
    expect(findingsIn(caught)).toEqual([
      expect.stringMatching(/^directory directories\[0\]: this version is not among those that you supplied/),
    ]);
  });

  test('an approval by the key of a forger, registered in a version that nobody else has', async () => {
    const request = await harness.cast.ask({ ...WRITE, durationMs: 300 });
    const before = await versionsNow(harness);
    const made = await generateKey();
    const imported = await importSigningKey(made.privateJwkText, 'forger');
    if (!imported.ok) throw new Error(imported.message);
    const { key } = imported;
    const registration = { assurance: 'key', channel: 'cli' } as const;
    const restore = harness.bundle.change('directory.yaml', (text) =>
      registerKey(text, 'person/mira', made.publicJwk, registration),
    );
    const second = readFileSync(path.join(harness.bundle.dir, 'directory.yaml'), 'utf8');
    let forged: EvidenceFile;
    try {
      await eventually('the key of the forger counts', async () => {
        const said = await harness.cast.say('person/mira', 'approve', request, {}, { key });
        return said !== 'UNKNOWN_KEY' || undefined;
      });
      await harness.cast.over(request);
      forged = await evidenceOf(harness, request.id, replayer, await versionsNow(harness, before));
    } finally {
      restore();
    }
    const { policy, directory } = given;
    expect(forged.directories.map(({ digest }) => digest)).toEqual([directory, second].map(digestOfText));
    const one = await verifyEvidence(forged, { replayer, policies: [policy], directories: [directory] });
    expect(findingsIn(one)).toEqual([
      expect.stringMatching(/^directory directories\[1\]: .*not among those that you supplied/),
    ]);
    const both = { replayer, policies: [policy], directories: [second, directory] };
    expect(findingsIn(await verifyEvidence(forged, both))).toEqual([]);
    // The command takes several, and folders of them.
    const folder = mkdtempSync(path.join(tmpdir(), 'countersign-versions-'));
    const [file, own, versions] = ['evidence.json', 'own.yaml', 'versions'].map((name) =>
      path.join(folder, name),
    ) as [string, string, string];
    writeFileSync(file, evidenceText(forged));
    writeFileSync(own, directory);
    mkdirSync(versions);
    writeFileSync(path.join(versions, 'second.yaml'), second);
    const args = ['audit', 'verify', file, '--directory', own, '--directory', versions];
    const { stderr, status } = spawnSync(process.execPath, [COMMAND, ...args], { encoding: 'utf8' });
    expect([stderr, status]).toEqual(['', 0]);
    rmSync(folder, { recursive: true });
  });

  test('a policy that says otherwise, rewritten throughout', async () => {
    const [old] = evidence.policies;
    const files = (old?.files ?? []).map(({ name, text }) => ({ name, text: `${text}\n` }));
    const forged = rewritten({ ...evidence, policies: [{ digest: digestOfText('x'), files }] }, [
      [old?.digest ?? '', policyDigestOf(files)],
      [digestOfText('x'), policyDigestOf(files)],
    ]);
    expect(findingsIn(await verifyEvidence(forged, { replayer }))).toEqual([]);
    const caught = await verifyEvidence(forged, { replayer, policies: [given.policy] });
    expect(findingsIn(caught)).toEqual([
      expect.stringMatching(/^policy policies\[0\]: this version is not among those that you supplied/),
    ]);
  });

  test('the command says so, in one line', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'countersign-given-'));
    try {
      const file = path.join(folder, 'evidence.json');
      const [one] = evidence.directories;
      const forged = rewritten(evidence, [[one?.digest ?? '', digestOfText('another directory')]]);
      writeFileSync(file, evidenceText(forged));
      const { dir } = harness.bundle;
      const args = [
        'audit',
        'verify',
        file,
        '--directory',
        path.join(dir, 'directory.yaml'),
        '--policy',
        dir,
      ];
      const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
        encoding: 'utf8',
      });
      expect([status, stderr.trim().split('\n').length]).toEqual([1, 1]);
      expect(stderr).toMatch(
        /fails its checks: directory at directories\[0\]: this version is not among those that you supplied/,
      );
      expect(stdout).toMatch(/ok {4}policy/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
