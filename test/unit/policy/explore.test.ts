import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Precedents } from '../../../src/domain/precedents';
import type { AccessRequest } from '../../../src/domain/request';
import { explore, FileTicketSource, loadBundle, preview, runBundleTests } from '../../../src/policy';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { anEmergencyBefore, askedBefore, asks, exampleBundle, HOUR, MINUTE, NOW, onRecord } from './example';

const CERTIFICATION = path.resolve(__dirname, '../../fixtures/authzen-certification');

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'bundle-test-'));
  cpSync(EXAMPLE_BUNDLE_DIR, dir, { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true }));

function change(file: string, edit: (text: string) => string): void {
  const name = path.join(dir, file);
  const text = readFileSync(name, 'utf8');
  const edited = edit(text);
  if (edited === text) throw new Error(`${file} did not change`);
  writeFileSync(name, edited);
}

async function changed() {
  const loaded = await loadBundle(dir, new FileTicketSource(undefined));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.bundle;
}
const found = async () => {
  const { context, identities } = await changed();
  return explore(context, identities, NOW).problems;
};

describe('policy check tries out who could ask for what', () => {
  test('the example bundle has nothing to find, and all of it was tried', async () => {
    const { context, identities } = await exampleBundle();
    expect(explore(context, identities, NOW)).toMatchObject({ problems: [], complete: true });
  });

  test('a policy that never decides', async () => {
    change(
      'access.cedar',
      (text) => `${text}
@id("for-nobody")
@path("production-write")
permit (principal == Person::"person/nobody", action == Action::"write", resource);
`,
    );
    expect(await found()).toEqual([
      expect.objectContaining({ file: 'access.cedar', message: expect.stringContaining('for-nobody') }),
    ]);
  });

  test('a policy that decides on properties of an enforcement point decides, if any value of theirs makes it', async () => {
    rmSync(dir, { recursive: true });
    cpSync(CERTIFICATION, dir, { recursive: true });
    expect(await found()).toEqual([]);
    change('records.cedar', (text) =>
      text.replace(
        'context.presented.action.soft }',
        'context.presented.action.soft && context.durationSeconds < 0 }',
      ),
    );
    expect(await found()).toEqual([
      expect.objectContaining({ message: expect.stringContaining('alice-deletes-softly never decides') }),
    ]);
  });

  test('TTA-2 policies that demand different people of one request: it is refused, and their author is told', async () => {
    change(
      'access.cedar',
      (text) => `${text}
@id("write-by-dba")
@path("production-write-by-dba")
permit (principal in Group::"payments-workloads", action == Action::"write", resource == Resource::"warehouse:payments");
`,
    );
    const { policy } = await changed();
    const assessment = policy.assess(asks('ci/payments', 'warehouse:payments#write'), NOW);
    expect(assessment).toMatchObject({
      outcome: 'refuse',
      reasonCodes: ['POLICIES_DISAGREE'],
      determiningPolicies: expect.arrayContaining(['production-write', 'write-by-dba']),
    });
    expect(await found()).toContainEqual(
      expect.objectContaining({
        file: 'access.cedar',
        message: expect.stringMatching(/let them demand one path/),
      }),
    );
  });

  test('a path that somebody who may ask can find nobody to decide, for all of them are in conflict', async () => {
    change('directory.yaml', (text) =>
      text.replace('members: [person/mira, person/tomas] }', 'members: [person/mira] }'),
    );
    const { context, identities } = await changed();
    const { problems, unapprovable } = explore(context, identities, NOW);
    expect(problems).toEqual([]);
    expect(unapprovable).toContainEqual(
      expect.objectContaining({
        file: 'access.cedar',
        message: expect.stringMatching(/ for person\/mira.*: .*too few people/),
      }),
    );
  });

  test('nobody can approve for themselves, in whatever groups and by whatever delegation', async () => {
    change('directory.yaml', (text) =>
      text
        .replace(
          'members: [person/mira, person/tomas] }',
          'members: [person/mira, person/tomas, person/ines, person/helen] }',
        )
        .replace('since: 2026-08-03, until: 2026-08-17', 'since: 2026-10-20, until: 2026-11-20')
        .replace('to: person/lena', 'to: person/jonas'),
    );
    const { context } = await changed();
    expect(context.directory.delegateOf('person/mira', NOW)).toBe('person/jonas');
    expect((await found()).filter(({ message }) => message.includes('themselves'))).toEqual([]);
    const bot = (await changed()).policy.assess(asks('bot/deployer', 'warehouse:payments#write'), NOW);
    expect(bot.path?.stages[0]).not.toHaveProperty('delegations');
    const ines = (await changed()).policy.assess(asks('person/ines', 'warehouse:payments#write'), NOW);
    expect(ines.path?.stages[0]).toMatchObject({
      delegations: [{ from: 'person/mira', to: 'person/jonas' }],
    });
  });
});

describe('policy test runs what a bundle says of itself', () => {
  test('the cases of the example bundle come out as they say', async () => {
    const { context } = await changed();
    const report = await runBundleTests(dir, context, NOW);
    expect(report.problems).toEqual([]);
    expect(report.passed).toBeGreaterThanOrEqual(17);
  });

  test.each([
    ['outcome: permit', 'outcome: refuse', /expected outcome "refuse", got "permit"/],
    ['maxDuration: 1h', 'maxDuration: 2h', /expected longest "2h", got "1h"/],
    ['policies: [reporting-read]', 'policies: [another]', /expected policies/],
    ['{ owner: [person/mira, person/tomas] }', '{ owner: [person/mira] }', /expected approvers of owner/],
    ['{ owner: 1, security: 1 }', '{ owner: 1 }', /expected stages \["owner"\]/],
    ['{ owner: 2 }', '{ owner: 1 }', /expected quorum of owner 1, got 2/],
    ['policies: [fleet-inspect]', 'policies: [production-change]', /expected policies/],
    [
      'asked-before: [person/aiko, person/mira]',
      'asked-before: [person/aiko]',
      /expected approvers of asked-before/,
    ],
    ['reason: ASKED_TOO_OFTEN', 'reason: NO_MATCHING_POLICY', /expected reason/],
  ])('%s → %s is told with its line', async (text, other, message) => {
    const name = 'tests/access.yaml';
    const lines = readFileSync(path.join(dir, name), 'utf8').split('\n');
    const line = lines.findIndex((one) => one.includes(text));
    change(name, (before) => before.replace(text, other));
    const { problems } = await runBundleTests(dir, (await changed()).context, NOW);
    expect(problems).toEqual([
      { file: name, line: expect.any(Number), message: expect.stringMatching(message) },
    ]);
    expect(Math.abs((problems[0]?.line ?? 0) - line)).toBeLessThan(12);
  });

  test('a file that cannot be read is a problem, not a pass', async () => {
    change('tests/access.yaml', (text) => text.replace('requester: agent/atlas', 'requster: agent/atlas'));
    const { problems } = await runBundleTests(dir, (await changed()).context, NOW);
    expect(problems.map(({ message }) => message).join()).toMatch(/requster/);
  });
});

describe('policy preview says what a changed bundle would have decided otherwise', () => {
  const write = asks('ci/payments', 'warehouse:payments#write');
  const read = asks('agent/atlas', 'warehouse:reporting#read');

  async function recorded() {
    const { policy } = await exampleBundle();
    return [write, read].map((request) => ({ request, assessment: policy.assess(request, NOW) }));
  }

  test('nothing, where nothing that matters has changed', async () => {
    change('directory.yaml', (text) => text.replace('name: Felix', 'name: Felicia'));
    expect(preview((await changed()).policy, await recorded())).toEqual([]);
  });

  test('each request that it would, and how', async () => {
    change('paths.yaml', (text) =>
      text
        .replace('quorum: 1', 'quorum: 2')
        .replace('alternatives: [production-write-by-dba]', 'alternatives: []'),
    );
    change('access.cedar', (text) => text.replace('@max_duration("1h")', '@max_duration("30m")'));
    expect(preview((await changed()).policy, await recorded())).toEqual([
      expect.objectContaining({
        request: write.id,
        before: 'approve; owner: 1 of person/mira, person/tomas by key; 4h at most',
        after: 'approve; owner: 2 of person/mira, person/tomas by key; 4h at most',
      }),
      expect.objectContaining({ before: 'permit; 1h at most', after: 'permit; 30m at most' }),
    ]);
  });

  test('what would have been stopped', async () => {
    change('catalog.yaml', (text) =>
      text.replace(
        'write: { title: Change payments data, grant: { role: production_write } }',
        'write: { title: Change payments data, effect: waives, control: branch-protection }',
      ),
    );
    const [difference] = preview((await changed()).policy, await recorded());
    expect(difference?.after).toBe('hard_stop (CONTROL_WEAKENING)');
  });

  const urgent = asks('person/jonas', 'warehouse:payments#admin', {
    ticket: 'INC-1',
    emergency: true,
    emergencyCondition: 'production-outage',
  });
  const asked = (index: number) => askedBefore(write, { request: `before-${index}`, end: 'withdrawn' });
  test.each<[string, AccessRequest, Precedents]>([
    ['refused by people before', write, onRecord({ asks: [askedBefore(write)] })],
    ['asked too often', write, onRecord({ asks: [1, 2, 3].map(asked) })],
    ['not answered before', write, onRecord({ asks: [askedBefore(write, { end: 'ended' })] })],
    [
      'denied by a control before',
      write,
      onRecord({
        denials: [
          {
            id: 'gateway/1',
            reportedBy: 'service/tool-gateway',
            subject: write.beneficiary,
            control: 'secret-scanning',
            reasonCode: 'SECRET_FOUND',
            deniedAtMs: NOW - MINUTE,
          },
        ],
      }),
    ],
    ['too many emergencies', urgent, onRecord({ grants: [1, 2, 3].map(() => anEmergencyBefore()) })],
    [
      'an unjustified emergency',
      urgent,
      onRecord({ grants: [anEmergencyBefore({ verdict: 'unjustified' })] }),
    ],
    ['a review overdue', urgent, onRecord({ grants: [anEmergencyBefore({ reviewDueAtMs: NOW - MINUTE })] })],
  ])('with its past, as it was judged then: %s', async (_, request, past) => {
    const { policy } = await exampleBundle();
    const then = { request, assessment: policy.assess(request, NOW, past) };
    const first = { ...request, id: 'earlier-request' };
    const earlier = { request: first, assessment: policy.assess(first, NOW - HOUR) };
    expect(policy.assess(request, NOW)).not.toMatchObject({ ...then.assessment, facts: expect.anything() });
    expect(preview(policy, [then, earlier])).toEqual([]);
  });
});
