import { readFileSync } from 'node:fs';
import path from 'node:path';
import { evidenceText } from '../../../src/audit/evidence/file';
import { policyFilesOf } from '../../../src/audit/evidence/policy';
import type { EvidenceFile } from '../../../src/audit/evidence/schema';
import { Replayer } from '../../../src/audit/replay';
import { verifyEvidence } from '../../../src/audit/verify/verify';
import { requestDigest } from '../../../src/domain/digest';
import type { AccessRequest } from '../../../src/domain/request';
import { readBundleFiles } from '../../../src/policy/load/bundle-folder';
import { importSigningKey, type SigningKey } from '../../../src/signing/keys';
import { attestChoice, type ChoiceDraft } from '../../../src/signing/sign';
import { allowSlack, registerAttester } from '../../support/attester';
import { evidenceOf, findingsIn } from '../../support/audit';
import { rewritten } from '../../support/audit-reseal';
import { builtWorkflowBundle, Harness } from '../../support/harness';
import { ADMIN, WRITE } from '../../support/harness-asks';

let harness: Harness;
let slack: SigningKey;
let mattermost: SigningKey;
const replayer = new Replayer(builtWorkflowBundle());

async function attesterOf(channel: string): Promise<SigningKey> {
  const imported = await importSigningKey(await registerAttester(harness, channel), 'test');
  if (!imported.ok) throw new Error(imported.message);
  return imported.key;
}

beforeAll(async () => {
  harness = await Harness.start();
  slack = await attesterOf('slack');
  mattermost = await attesterOf('mattermost');
  allowSlack(harness);
}, 300_000);
afterAll(async () => {
  await replayer.close();
  await harness?.stop();
});

let count = 0;
const chosen = async (
  request: AccessRequest,
  about: Partial<ChoiceDraft> = {},
  { key = slack, attester = 'service/slack', account = 'U0MIRA' } = {},
) => {
  count += 1;
  const received = `sha-256:${String(count).padStart(43, 'A')}`;
  const via = { channel: 'slack', workspace: 'T0ACME', account, message: 'C0/1.2', received } as const;
  return attestChoice(
    {
      ...{
        verb: 'approve',
        request: request.id,
        digest: requestDigest(request),
        revision: 0,
        stage: 'owner',
      },
      ...about,
    },
    'person/mira',
    { attester, via },
    key,
    { nowMs: Date.now(), lifeMs: 3_600_000 },
  );
};

/** Every check, also against policy and directory as the verifier has them. */
async function findings(evidence: EvidenceFile): Promise<readonly string[]> {
  const files = await readBundleFiles(harness.bundle.dir);
  if (!files.ok) throw new Error('the bundle cannot be read');
  const directories = [readFileSync(path.join(harness.bundle.dir, 'directory.yaml'), 'utf8')];
  const policies = [policyFilesOf(files.value)];
  return findingsIn(
    await verifyEvidence(evidence, { text: evidenceText(evidence), replayer, policies, directories }),
  );
}

jest.setTimeout(120_000);

describe('TTA-4, WEB-2, AUD-3 what somebody chose in a channel', () => {
  test('gives access where the stage names the channel, once, and its evidence verifies offline', async () => {
    const { cast } = harness;
    const request = await cast.ask({ ...WRITE, durationMs: 300 });
    // Wrong in one thing each: nobody's key for this channel, another's account, a path that moved on, another stage.
    expect(await cast.carry(request, await chosen(request, {}, { key: mattermost }))).toBe('BAD_SIGNATURE');
    expect(
      await cast.carry(
        request,
        await chosen(request, {}, { key: mattermost, attester: 'service/mattermost' }),
      ),
    ).toBe('BAD_SIGNATURE');
    expect(await cast.carry(request, await chosen(request, {}, { account: 'U0EVE' }))).toBe('BAD_SIGNATURE');
    expect(await cast.carry(request, await chosen(request, { revision: 3 }))).toBe('STALE_PATH');
    expect(await cast.carry(request, await chosen(request, { stage: 'administrators' }))).toBe('NOT_NOW');
    const choice = await chosen(request);
    expect(await cast.carry(request, choice)).toBe('accepted');
    expect(await cast.carry(request, choice)).not.toBe('accepted');
    await cast.over(request);
    const accepted = (await cast.events(request)).flatMap((one) =>
      one.type === 'statement_accepted' ? one.accepted : [],
    );
    expect(accepted).toMatchObject([
      { assurance: 'channel', channel: 'slack', statement: { iss: 'person/mira' } },
    ]);

    const evidence = await evidenceOf(harness, request.id, replayer);
    expect(await findings(evidence)).toEqual([]);
    expect(JSON.stringify(evidence)).toContain('T0ACME/U0MIRA');

    // The independent check of duties looks at the account, the attester and the stage by itself.
    const changed = (from: string, to: string) => findings(rewritten(evidence, [[from, to]]));
    expect(await changed('T0ACME/U0MIRA', 'T0ACME/U0EVE')).toContainEqual(
      expect.stringMatching(/duties .*the directory does not register the key/),
    );
    expect(await changed('"channel-attester"', '"recorder"')).toContainEqual(
      expect.stringMatching(/duties .*the directory does not register the key/),
    );
    expect(await changed('"channels":["slack"]', '"channels":["teams"]')).toContainEqual(
      expect.stringMatching(/duties .*for which no stage takes that/),
    );
  });

  test('denies there too, and gives no access where the stage names no channel', async () => {
    const { cast } = harness;
    const request = await cast.ask(WRITE);
    const without = await chosen(request, { verb: 'deny' });
    expect(await cast.carry(request, without)).toBe('MISSING_REASON');
    expect(await cast.carry(request, await chosen(request, { verb: 'deny', comment: 'not tonight' }))).toBe(
      'accepted',
    );
    expect((await cast.view(request)).status).toBe('denied');
    const admin = await cast.ask(ADMIN);
    expect(await cast.carry(admin, await chosen(admin))).toBe('WEAK_ASSURANCE');
    expect(await cast.carry(admin, await chosen(admin, { verb: 'deny', comment: 'not tonight' }))).toBe(
      'WEAK_ASSURANCE',
    );
  });
});
