import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { evidenceText } from '../../src/audit/evidence/file';
import { Replayer } from '../../src/audit/replay';
import { verifyEvidence } from '../../src/audit/verify/verify';
import { addCodecKey } from '../../src/codec';
import { evidenceOf, findingsIn } from '../support/audit';
import { builtWorkflowBundle, Harness } from '../support/harness';
import { WRITE } from '../support/harness-asks';

const folder = mkdtempSync(path.join(tmpdir(), 'countersign-codec-'));
const keyFile = path.join(folder, 'codec-keys.json');
const replayer = new Replayer(builtWorkflowBundle());
let harness: Harness;
beforeAll(async () => {
  addCodecKey(keyFile, 'first');
  harness = await Harness.start({ codecKeys: keyFile });
}, 120_000);
afterAll(async () => {
  await replayer.close();
  await harness?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('AUD-3 where the server stores payloads encrypted, evidence is for whoever has no key', async () => {
  const request = await harness.cast.ask({ ...WRITE, durationMs: 300, reason: 'for the auditor to read' });
  await harness.cast.say('person/mira', 'approve', request);
  await harness.cast.over(request);
  const evidence = await evidenceOf(harness, request.id, replayer);
  const text = evidenceText(evidence);
  expect(text).toContain('for the auditor to read');
  expect(findingsIn(await verifyEvidence(evidence, { text, replayer }))).toEqual([]);
});
