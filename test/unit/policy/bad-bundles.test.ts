import { rmSync } from 'node:fs';
import path from 'node:path';
import { FileTicketSource, loadBundle } from '../../../src/policy';
import { exampleBundleCopy, spoiled } from '../../support/policy/spoiled-bundle';

const tickets = new FileTicketSource(undefined);
let dir: string;
beforeEach(() => {
  dir = exampleBundleCopy();
});
afterEach(() => rmSync(dir, { recursive: true }));

const spoil = (file: string, search: string, replacement: string) =>
  spoiled(path.join(dir, file), search, replacement);

describe('a mistake in a bundle is one message with file, line and what to do', () => {
  test.each([
    ['catalog.yaml', 'kind: postgresql', 'knd: postgresql', /knd|kind/],
    ['catalog.yaml', 'owners: payments-leads', 'owners: payment-leads', /no group payment-leads/],
    ['catalog.yaml', 'control: mfa', 'control: mfq', /no control mfq/],
    ['catalog.yaml', 'effect: disables', 'effect: breaks', /effect/],
    ['catalog.yaml', '      read: {', '      peek: {', /no action "peek"/],
    ['catalog.yaml', 'warehouse:reporting:', 'lakehouse:reporting:', /lakehouse/],
    ['paths.yaml', 'quorum: 1', 'quorum: 0', /quorum/],
    ['paths.yaml', 'approvers: [dba]', 'approvers: [dbas]', /no group dbas/],
    ['paths.yaml', 'substitutes: [dba]', 'substitutes: [payments-workloads]', /not a person/],
    ['paths.yaml', 'remindAfter: 15m', 'remindAfter: 9h', /order/],
    ['paths.yaml', 'expireAfter: 8h', 'expireAfter: 8 hours', /duration/],
    ['paths.yaml', 'expireAfter: 8h', 'expireAfter: 90d', /limit/],
    ['paths.yaml', 'assurance: key', 'assurance: strong', /assurance/],
    ['paths.yaml', 'assurance: key', 'assurance: key\n        channels: [slack]', /assurance: channel/],
    ['paths.yaml', 'assurance: key', 'assurance: channel\n        channels: [irc]', /one of slack/],
    ['paths.yaml', 'assurance: key', 'assurance: channel\n        channels: [slack, slack]', /twice/],
    ['directory.yaml', 'roles: [process-owner]', 'roles: [channel-attester]', /people sign for themselves/],
    ['paths.yaml', 'reviewers: security-reviewers', 'reviewers: reviewers', /no group reviewers/],
    ['directory.yaml', 'sponsor: person/lena', 'sponsor: person/lina', /person\/lina/],
    ['directory.yaml', 'owner: person/lena', 'owner: agent/atlas', /own owner|not in "people"/],
    ['directory.yaml', 'endDate: 2027-06-30', 'endDate: 2027-02-31', /date/],
    ['directory.yaml', 'roles: [process-owner]', 'roles: [process-owners]', /process-owners is not known/],
    ['directory.yaml', 'roles: [policy-administrator]', 'roles: [governance-delegate]', /time-boxed/],
    ['directory.yaml', 'members: [person/kim]', 'members: [person/kim, person/kim]', /twice/],
    ['directory.yaml', 'members: [person/amara]', 'members: [person/nobody]', /person\/nobody/],
    ['directory.yaml', 'warehouse: mira }', 'warehouse: tomas }', /belongs to/],
    ['access.cedar', '@path("production-write")', '@path("production-wright")', /no path production-wright/],
    ['access.cedar', '@path("production-write")\n', '', /path/],
    ['access.cedar', '@max_duration("4h")', '@max_duraton("4h")', /max_duraton/],
    [
      'access.cedar',
      '@emergency("production-outage")',
      '@emergency("outage")',
      /no emergency condition outage/,
    ],
    ['access.cedar', '@review_within("24h")\n', '', /review_within/],
    ['access.cedar', '@id("production-write")', '@id("production-admin")', /taken/],
    ['access.cedar', 'context.hasTicket', 'context.hasTickets', /hasTickets/],
    ['guard.cedar', '@safe_way("Prepare', '@safe_why("Prepare', /safe_why/],
    ['guard.cedar', 'principal.kind', 'principal.sort', /sort/],
    ['schema.cedarschema', 'entity Role;', 'entity Role', /schema/],
    ['catalog.yaml', 'guardedBy: [secret-scanning', 'guardedBy: [secret-scan', /no control secret-scan/],
    ['catalog.yaml', ', effect: waives, control: credential-rotation', '', /not stopped here/],
    ['catalog.yaml', 'effect: waives, control: time-limits', 'effect: waives', /go together/],
    [
      'catalog.yaml',
      'effect: waives, control: time-limits',
      'grant: { role: x }',
      /not stopped here|no connector/,
    ],
    ['catalog.yaml', 'control: log-retention', 'control: mfa', /weakens log-retention/],
    ['catalog.yaml', 'grant: { role: reporting_read }', 'privileged: false', /nothing of what is granted/],
    [
      'catalog.yaml',
      'kind: postgresql',
      'kind: postgres',
      /no kind of connector postgres; use one of postgresql/,
    ],
    [
      'catalog.yaml',
      'grant: { role: reporting_read }',
      'grant: { rolle: x }',
      /"role" is missing.*kind postgresql/,
    ],
    [
      'catalog.yaml',
      'grant: { role: reporting_read }',
      'grant: { role: x, schema: y }',
      /"schema" is not known/,
    ],
    ['catalog.yaml', 'grant: { audience: service/runner }', 'grant: { role: x }', /"audience" is missing/],
    ['catalog.yaml', 'tags: [internal]', 'tags: internal', /wrong type/],
    ['paths.yaml', 'alternatives: [production-write-by-dba]', 'alternatives: [by-the-dba]', /no other path/],
    [
      'paths.yaml',
      'alternatives: [production-write-by-dba]',
      'alternatives: [production-write]',
      /no other path/,
    ],
    [
      'paths.yaml',
      'alternatives: [production-write-by-dba]',
      'alternatives: [production-admin]',
      /name of its own/,
    ],
    ['paths.yaml', 'name: administrators', 'name: owner', /name of its own/],
    ['paths.yaml', 'substitutes: [incident-commanders]', 'substitutes: [commanders]', /no group commanders/],
    ['paths.yaml', 'reviewWithin: 24h', 'reviewWithin: soon', /duration/],
    ['paths.yaml', 'raiseQuorumBy: 1', 'raiseQuorumBy: -1', /minimum/],
    ['paths.yaml', 'within: 24h, limit: 3', 'within: 24h, limit: 0', /minimum/],
    ['paths.yaml', 'openLimit: 20', 'openLimit: 101', /the most that are read/],
    ['paths.yaml', 'within: 7d, limit: 3', 'within: 7d, limit: 101', /the most that are read/],
    ['paths.yaml', 'ticketPattern: "(OPS', 'ticketPattern: "((OPS', /regular expression/],
    ['paths.yaml', 'name: dba', 'name: owner', /twice/],
    ['directory.yaml', 'from: person/mira', 'from: agent/atlas', /only people delegate/],
    ['directory.yaml', 'to: person/lena, since', 'to: person/mira, since', /themselves/],
    ['directory.yaml', 'to: person/lena, since', 'to: person/nadia, since', /iam-operations/],
    ['directory.yaml', 'until: 2026-08-17', 'until: 2026-08-01', /later than "since"/],
    ['directory.yaml', 'until: 2026-08-17', 'until: 2027-08-17', /92 days/],
    [
      'directory.yaml',
      '  - { from: person/mira',
      '  - { from: person/mira, to: person/aiko, since: 2026-08-10, until: 2026-08-12 }\n  - { from: person/mira',
      /another delegate/,
    ],
    [
      'directory.yaml',
      '  - { from: person/mira',
      '  - { from: person/lena, to: person/aiko, since: 2026-08-10, until: 2026-08-12 }\n  - { from: person/mira',
      /not chained/,
    ],
    ['directory.yaml', 'kim_contractor } }', 'kim_contractor }', /YAML/],
  ])('%s: %s → %s', async (file, search, replacement, message) => {
    spoil(file, search, replacement);
    const loaded = await loadBundle(dir, tickets);
    expect(loaded.ok).toBe(false);
    const problems = loaded.ok ? [] : loaded.problems;
    expect(problems.map((problem) => problem.message).join('\n')).toMatch(message);
    for (const problem of problems) expect(problem.line).toBeGreaterThan(0);
  });

  test('the line is the one that the mistake is on', async () => {
    const line = spoil('paths.yaml', 'assurance: key', 'assurance: strong');
    expect(await loadBundle(dir, tickets)).toMatchObject({
      ok: false,
      problems: [{ file: 'paths.yaml', line }],
    });
  });

  test('someone who governs does not approve', async () => {
    spoil('directory.yaml', 'members: [person/david, person/aiko]', 'members: [person/david, person/nadia]');
    const loaded = await loadBundle(dir, tickets);
    expect(loaded.ok ? '' : loaded.problems[0]?.message).toMatch(/person\/nadia .* governance role/);
  });

  const LEADS = 'members: [person/mira, person/tomas] }';
  const problemsOf = async () => {
    const loaded = await loadBundle(dir, tickets);
    return loaded.ok ? [] : loaded.problems.map(({ file, message }) => `${file}: ${message}`);
  };

  test.each([
    ['no person', 'ci/payments', /^catalog.yaml: ci\/payments in payments-leads is not a person/],
    [
      'someone who governs',
      'person/nadia',
      /^catalog.yaml: person\/nadia in payments-leads holds a governance/,
    ],
  ])('TTA-7, OVR-3 among the owners of a resource, who approve it, is %s', async (_, member, message) => {
    spoil('directory.yaml', LEADS, `members: [person/mira, person/tomas, ${member}] }`);
    expect(await problemsOf()).toContainEqual(expect.stringMatching(message));
  });

  test('a private key is refused loudly, and not shown', async () => {
    const jwk = '{ kty: OKP, crv: Ed25519, x: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA, d: verysecret }';
    spoil(
      'directory.yaml',
      '{ name: Felix }',
      `{ name: Felix, keys: [{ jwk: ${jwk}, assurance: key, channel: cli }] }`,
    );
    const loaded = await loadBundle(dir, tickets);
    expect(JSON.stringify(loaded)).toMatch(/leaked/);
    expect(JSON.stringify(loaded)).not.toContain('verysecret');
  });

  test('a folder that is none, and a bundle with a file missing', async () => {
    expect(await loadBundle(path.join(dir, 'nowhere'), tickets)).toMatchObject({ ok: false });
    rmSync(path.join(dir, 'paths.yaml'));
    expect(await loadBundle(dir, tickets)).toMatchObject({ problems: [{ file: 'paths.yaml', line: 1 }] });
  });
});
