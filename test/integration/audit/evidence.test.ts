import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { evidenceText } from '../../../src/audit/evidence/file';
import { policyFilesOf } from '../../../src/audit/evidence/policy';
import type { EvidenceFile } from '../../../src/audit/evidence/schema';
import { Replayer } from '../../../src/audit/replay';
import { verifyEvidence } from '../../../src/audit/verify/verify';
import { LIMITS } from '../../../src/domain/limits';
import { readBundleFiles } from '../../../src/policy/load-bundle';
import { LIVES } from '../../replay/capture';
import { evidenceOf, findingsIn, KEPT_EVIDENCE } from '../../support/audit';
import { AUDIT_LIVES } from '../../support/audit-lives';
import { continued, FURTHER_LIVES } from '../../support/audit-lives-more';
import { builtWorkflowBundle, Harness } from '../../support/harness';

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
    policy: policyFilesOf(files.value),
    directory: readFileSync(path.join(harness.bundle.dir, 'directory.yaml'), 'utf8'),
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
    const { requestId, books } = await live(harness);
    const evidence = await evidenceOf(harness, requestId, replayer, books);
    const findings = findingsIn(await verifyEvidence(evidence, { text: evidenceText(evidence), replayer }));
    expect(findings).toEqual([]);
    if (books === undefined) expect(await verified(evidence)).toEqual([]);
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
