import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { createBundleSource, FileTicketSource, loadBundle } from '../../../src/policy';
import { generateKey } from '../../../src/signing/keys';
import { exampleBundleCopy, spoiled } from '../../support/policy/spoiled-bundle';
import { SoftwarePasskey } from '../../support/signing/passkey';
import { asks, NOW } from './example';

const tickets = new FileTicketSource(undefined);
let dir: string;
beforeEach(() => {
  dir = exampleBundleCopy();
});
afterEach(() => rmSync(dir, { recursive: true }));

const spoil = (file: string, search: string, replacement: string) =>
  spoiled(path.join(dir, file), search, replacement);

/** What `policy check` and `doctor` say of stages that nobody could approve. */
async function closed(): Promise<readonly string[]> {
  const loaded = await loadBundle(dir, tickets);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.bundle.unreachable.map(({ file, message }) => `${file}: ${message}`);
}

describe('DIR-2, TTA-6 a path that nobody can pass by closes that path alone', () => {
  const LEADS = 'members: [person/mira, person/tomas] }';

  test.each([
    ['is taken out of the group', 'members: [person/david, person/aiko]', 'members: [person/aiko]'],
    ['is disabled', '{ name: David', '{ enabled: false, name: David'],
  ])('somebody who leaves and %s counts no more, though a quorum cannot be reached without them', async (_, search, replacement) => {
    let nowMs = 0;
    const alerts: object[] = [];
    const logger = { ...SILENT_LOGGER, error: (about: object) => void alerts.push(about) };
    const source = await createBundleSource(dir, { tickets, logger, nowMs: () => nowMs });
    expect((await source.current()).directory.membersOf('dba', NOW)).toContain('person/david');
    spoil('directory.yaml', search, replacement);
    for (const _look of [1, 2]) {
      nowMs += 2_000;
      await source.current();
    }
    const { directory, policy } = await source.current();
    expect(directory.membersOf('dba', NOW)).toEqual(['person/aiko']);
    expect(alerts).toEqual([
      expect.objectContaining({
        file: 'paths.yaml',
        message: expect.stringMatching(/path two-owners: only 1/),
      }),
    ]);
    const byOne = policy.assess(
      asks('person/mira', 'warehouse:payments#admin', { ticket: 'OPS-1', durationMs: 60_000 }),
      NOW,
    );
    expect(byOne.path?.stages.at(-1)).toMatchObject({ name: 'dba', eligible: ['person/aiko'] });
    const byTwo = policy.assess(largePayment(), NOW);
    expect(byTwo).toMatchObject({ outcome: 'refuse', reasonCodes: ['NOBODY_CAN_APPROVE'] });
  });

  test('a bundle that asks for more people than there are is used, and a request by that path is refused', async () => {
    spoil('paths.yaml', 'quorum: 2', 'quorum: 3');
    expect(await closed()).toEqual([
      expect.stringMatching(/^paths.yaml: nobody can pass by the path two-owners: only 2 .* so 3 never will/),
    ]);
  });

  test('a stage that asks for stronger keys than its people have', async () => {
    const { publicJwk } = await generateKey();
    const { publicJwk: another } = await generateKey();
    for (const [name, jwk] of [
      ['David', publicJwk],
      ['Aiko', another],
    ] as const) {
      const keys = JSON.stringify([{ jwk, assurance: 'key', channel: 'cli' }]);
      spoil('directory.yaml', `{ name: ${name}`, `{ keys: ${keys}, name: ${name}`);
    }
    expect(await closed()).toEqual([]);
    const file = readFileSync(path.join(dir, 'paths.yaml'), 'utf8');
    const stage = file.slice(file.indexOf('approvers: [dba]'));
    const line = spoil('paths.yaml', stage, stage.replace('assurance: key', 'assurance: phishing-resistant'));
    expect(await closed()).toEqual([expect.stringMatching(/^paths.yaml: .* only 0 .* phishing-resistant/)]);
    expect(line).toBeGreaterThan(0);
  });

  test('owners who may not approve do not count towards a quorum', async () => {
    const stage =
      'title: One owner of what is changed\n    stages:\n      - name: owner\n        approvers: [resource-owners]\n';
    spoil('paths.yaml', `${stage}        quorum: 1`, `${stage}        quorum: 2`);
    expect(await closed()).toEqual([]);
    spoil('directory.yaml', LEADS, 'members: [person/mira] }');
    expect(await closed()).toContainEqual(
      expect.stringMatching(/^paths.yaml: .* where payments-leads owns .* only 1 people .* so 2 never/),
    );
  });

  test('of all groups that own something, one has keys as strong as a stage of owners asks for', async () => {
    for (const name of ['Mira', 'Tomas', 'David', 'Aiko']) {
      const { publicJwk } = await generateKey();
      const keys = JSON.stringify([{ jwk: publicJwk, assurance: 'key', channel: name }]);
      spoil('directory.yaml', `{ name: ${name}`, `{ keys: ${keys}, name: ${name}`);
    }
    spoil('paths.yaml', 'alternatives: [production-write-by-dba]', 'alternatives: []');
    expect(await closed()).toEqual([]);
    spoil('paths.yaml', 'assurance: key', 'assurance: phishing-resistant');
    expect(await closed()).toEqual([
      expect.stringMatching(/^paths.yaml: .* where dba owns .* only 0 .* phishing-resistant/),
      expect.stringMatching(/^paths.yaml: .* where payments-leads owns .* only 0 .* phishing-resistant/),
    ]);
    const passkey = JSON.stringify(new SoftwarePasskey().registration);
    spoil('directory.yaml', '"channel":"Tomas"}', `"channel":"Tomas"},${passkey}`);
    expect(await closed()).toEqual([]);
  });
});

const largePayment = () =>
  asks('agent/atlas', 'changes:supplier-payments#pay', {
    kind: 'execution',
    parameters: {
      tool: 'pay',
      toolVersion: '1',
      target: 'suppliers',
      arguments: { to: 'ACME', amount: '5000.00', currency: 'EUR' },
    },
    containment: 'none',
    rollback: 'none',
    durationMs: 60_000,
  });
