import { cpSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { createBundleSource, FileTicketSource, loadBundle, readBundleFiles } from '../../../src/policy';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { generateKey } from '../../../src/signing/keys';
import { SoftwarePasskey } from '../../support/signing/passkey';

const tickets = new FileTicketSource(undefined);
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'bundle-test-'));
  cpSync(EXAMPLE_BUNDLE_DIR, dir, { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Puts one mistake into the example bundle. Yields the line that it is on. */
function spoil(file: string, search: string, replacement: string): number {
  const name = path.join(dir, file);
  const text = readFileSync(name, 'utf8');
  const index = text.indexOf(search);
  if (index < 0) throw new Error(`${file} has no ${search}`);
  writeFileSync(name, text.slice(0, index) + replacement + text.slice(index + search.length));
  return text.slice(0, index).split('\n').length;
}

describe('TGT-4 names that would be one name elsewhere', () => {
  const second = (name: string) =>
    spoil(
      'catalog.yaml',
      '  warehouse: { kind: postgresql',
      `  ${name}: { kind: postgresql, title: Another }\n  warehouse: { kind: postgresql`,
    );
  const declare = (...names: string[]) => {
    for (const name of names) second(name);
  };

  test.each([
    ['prod-eu', 'prod_eu', 'COUNTERSIGN_CONNECTOR_PROD_EU_URL'],
    ['prod.eu', 'prod-eu', 'COUNTERSIGN_CONNECTOR_PROD_EU_URL'],
    ['PROD-EU', 'prod-eu', 'COUNTERSIGN_CONNECTOR_PROD_EU_URL'],
    ['Warehouse', 'other', 'COUNTERSIGN_CONNECTOR_WAREHOUSE_URL'],
  ])('connectors %s and %s that would read one variable are refused', async (one, other, variable) => {
    declare(one, other);
    const loaded = await loadBundle(dir, tickets);
    const text = readFileSync(path.join(dir, 'catalog.yaml'), 'utf8').split('\n');
    const later = other === 'other' ? 'warehouse' : other;
    expect(loaded).toEqual({
      ok: false,
      problems: [
        {
          file: 'catalog.yaml',
          line: text.findIndex((line) => line.startsWith(`  ${later}: { kind`)) + 1,
          message: `${later} and ${one} would both read ${variable}; rename one so that they differ in letters or digits, whatever their case`,
        },
      ],
    });
  });

  test('connectors whose names differ in letters are not', async () => {
    declare('prod-eu', 'prod-us', 'prod-eu-url');
    expect(await loadBundle(dir, tickets)).toMatchObject({ ok: true });
  });

  test('a connector is not a system too', async () => {
    const line = spoil('catalog.yaml', 'systems:\n', 'systems:\n  warehouse: The same\n');
    const loaded = await loadBundle(dir, tickets);
    expect(loaded.ok ? [] : loaded.problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^warehouse is declared in "systems" too/),
    ]);
    expect(line).toBeGreaterThan(1);
  });
});

describe('TGT-4 names that a target gives are its own', () => {
  const MIRA = 'warehouse: mira }';
  const messages = async () => {
    const loaded = await loadBundle(dir, tickets);
    return loaded.ok ? [] : loaded.problems;
  };

  test.each([
    '_svc',
    "O'Brien",
    'jürgen',
    'Payments Write',
    'ines@acme.com',
    'ACME\\\\ines',
    'ä'.repeat(31),
  ])('an account may be called %s, and a role too', async (name) => {
    spoil('directory.yaml', MIRA, `warehouse: "${name}" }`);
    spoil('catalog.yaml', 'grant: { role: reporting_read }', `grant: { role: "${name}" }`);
    const loaded = await loadBundle(dir, tickets);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const plain = name.replace('\\\\', '\\');
    expect(loaded.bundle.directory.identity('person/mira')?.accounts).toEqual({ warehouse: plain });
    const grants = loaded.bundle.connectors.flatMap((one) => one.grants);
    expect(grants).toContainEqual({ role: plain });
  });

  test('PostgreSQL would shorten a longer name in silence, so it is refused with its length', async () => {
    const line = spoil('directory.yaml', MIRA, `warehouse: ${'ä'.repeat(32)} }`);
    const roleLine = spoil(
      'catalog.yaml',
      'grant: { role: reporting_read }',
      `grant: { role: ${'x'.repeat(64)} }`,
    );
    expect(await messages()).toEqual([
      {
        file: 'directory.yaml',
        line,
        message: `the account ${'ä'.repeat(32)} of person/mira on warehouse has 64 bytes, and a name in PostgreSQL has 63 at most; correct it`,
      },
      {
        file: 'catalog.yaml',
        line: roleLine,
        message:
          '"role" has 64 bytes, and a name in PostgreSQL has 63 at most; correct it; this is a grant of a connector of kind postgresql',
      },
    ]);
  });

  test('two accounts that read the same are one account, however their letters are composed', async () => {
    spoil('directory.yaml', MIRA, `warehouse: "${'jürgen'.normalize('NFC')}" }`);
    spoil('directory.yaml', 'warehouse: tomas }', `warehouse: "${'jürgen'.normalize('NFD')}" }`);
    expect(await messages()).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/belongs to person\/mira already/) }),
    ]);
  });

  test('a name with what nobody can see is refused', async () => {
    spoil('directory.yaml', MIRA, 'warehouse: "mi\\u200bra" }');
    expect(await messages()).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/nobody can see/) }),
    ]);
  });

  test('names of our own stay strict, and the message shows the value', async () => {
    const line = spoil('catalog.yaml', 'tags: [internal]', `tags: ["O'Brien\\u200b"]`);
    expect(await messages()).toEqual([
      {
        file: 'catalog.yaml',
        line,
        message: `"0" is not an identifier: "O'BrienU+200B"; use letters, digits and . _ : / @ - only, and begin with a letter or digit`,
      },
    ]);
  });
});

describe('a mistake in a bundle is one message with file, line and what to do', () => {
  test.each([
    ['catalog.yaml', 'kind: postgresql', 'knd: postgresql', /knd|kind/],
    ['catalog.yaml', 'owners: payments-leads', 'owners: payment-leads', /no group payment-leads/],
    ['catalog.yaml', 'control: mfa', 'control: mfq', /no control mfq/],
    ['catalog.yaml', 'effect: disables', 'effect: breaks', /effect/],
    ['catalog.yaml', '      read: {', '      peek: {', /no action "peek"/],
    ['catalog.yaml', 'warehouse:reporting:', 'lakehouse:reporting:', /lakehouse/],
    ['paths.yaml', 'quorum: 1', 'quorum: 3', /nobody could satisfy|never will/],
    ['paths.yaml', 'quorum: 1', 'quorum: 0', /quorum/],
    ['paths.yaml', 'approvers: [dba]', 'approvers: [dbas]', /no group dbas/],
    ['paths.yaml', 'substitutes: [dba]', 'substitutes: [payments-workloads]', /not a person/],
    ['paths.yaml', 'remindAfter: 15m', 'remindAfter: 9h', /order/],
    ['paths.yaml', 'expireAfter: 8h', 'expireAfter: 8 hours', /duration/],
    ['paths.yaml', 'expireAfter: 8h', 'expireAfter: 90d', /limit/],
    ['paths.yaml', 'assurance: key', 'assurance: strong', /assurance/],
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
    const before = await loadBundle(dir, tickets);
    expect(before.ok ? [] : before.problems).toEqual([]);
    const file = readFileSync(path.join(dir, 'paths.yaml'), 'utf8');
    const stage = file.slice(file.indexOf('approvers: [dba]'));
    const line = spoil('paths.yaml', stage, stage.replace('assurance: key', 'assurance: phishing-resistant'));
    const loaded = await loadBundle(dir, tickets);
    expect(loaded.ok ? [] : loaded.problems).toEqual([
      {
        file: 'paths.yaml',
        line: expect.any(Number),
        message: expect.stringMatching(/only 0 .* phishing-resistant/),
      },
    ]);
    expect(line).toBeGreaterThan(0);
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

  test('owners who may not approve do not count towards a quorum', async () => {
    const stage =
      'title: One owner of what is changed\n    stages:\n      - name: owner\n        approvers: [resource-owners]\n';
    spoil('paths.yaml', `${stage}        quorum: 1`, `${stage}        quorum: 2`);
    expect(await problemsOf()).toEqual([]);
    spoil('directory.yaml', LEADS, 'members: [person/mira, ci/payments] }');
    expect(await problemsOf()).toContainEqual(
      expect.stringMatching(/^paths.yaml: only 1 people may approve where payments-leads owns .* so 2 never/),
    );
  });

  test('of all groups that own something, one has keys as strong as a stage of owners asks for', async () => {
    for (const name of ['Mira', 'Tomas', 'David', 'Aiko']) {
      const { publicJwk } = await generateKey();
      const keys = JSON.stringify([{ jwk: publicJwk, assurance: 'key', channel: name }]);
      spoil('directory.yaml', `{ name: ${name}`, `{ keys: ${keys}, name: ${name}`);
    }
    spoil('paths.yaml', 'alternatives: [production-write-by-dba]', 'alternatives: []');
    expect(await problemsOf()).toEqual([]);
    spoil('paths.yaml', 'assurance: key', 'assurance: phishing-resistant');
    expect(await problemsOf()).toEqual([
      expect.stringMatching(/^paths.yaml: only 0 who may approve where dba owns .* phishing-resistant/),
      expect.stringMatching(
        /^paths.yaml: only 0 who may approve where payments-leads owns .* phishing-resistant/,
      ),
    ]);
    const passkey = JSON.stringify(new SoftwarePasskey().registration);
    spoil('directory.yaml', '"channel":"Tomas"}', `"channel":"Tomas"},${passkey}`);
    expect(await problemsOf()).toEqual([]);
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

describe('TTA-6 a changed bundle counts as soon as it is still, a bad one does not replace a good one', () => {
  test('digests and last good bundle', async () => {
    let nowMs = 0;
    const complaints: object[] = [];
    const logger = { ...SILENT_LOGGER, error: (about: object) => void complaints.push(about) };
    const source = await createBundleSource(dir, { tickets, logger, nowMs: () => nowMs });
    const first = await source.current();
    spoil('directory.yaml', 'name: Felix', 'name: Felicia');
    const next = () => {
      nowMs += 2_000;
      return source.current();
    };
    expect(await next()).toBe(first);
    const second = await next();
    expect(second.directory.digest).not.toBe(first.directory.digest);
    expect(second.policy.digest).toBe(first.policy.digest);
    spoil('paths.yaml', 'assurance: key', 'assurance: strong');
    for (const _look of [1, 2, 3]) expect(await next()).toBe(second);
    expect(complaints).toHaveLength(1);
  });

  test.each([
    [
      'cannot be read',
      async () => ({ ok: false as const, problems: [{ file: dir, line: 1, message: 'EMFILE' }] }),
    ],
    ['breaks off', () => Promise.reject(new Error('EMFILE'))],
  ])('one that %s for a moment is read again, though nothing of it changes, and is reported once', async (_, fail) => {
    let nowMs = 0;
    let isFailing = false;
    const complaints: object[] = [];
    const logger = { ...SILENT_LOGGER, error: (about: object) => void complaints.push(about) };
    const source = await createBundleSource(dir, {
      tickets,
      logger,
      nowMs: () => nowMs,
      read: (folder) => (isFailing ? fail() : readBundleFiles(folder)),
    });
    const first = await source.current();
    isFailing = true;
    spoil('directory.yaml', '{ name: Felix', '{ enabled: false, name: Felix');
    for (const _look of [1, 2, 3, 4]) {
      nowMs += 2_000;
      expect(await source.current()).toBe(first);
    }
    expect(complaints).toEqual([expect.objectContaining({ message: expect.stringContaining('EMFILE') })]);
    isFailing = false;
    nowMs += 2_000;
    const { directory } = await source.current();
    expect(directory.standingOf('person/felix', 0)?.active).toBe(false);
  });

  test('a change that leaves size, time and file as they were is one', async () => {
    let nowMs = 0;
    const logger = SILENT_LOGGER;
    const dated = () => utimesSync(path.join(dir, 'directory.yaml'), 1_700_000_000, 1_700_000_000);
    dated();
    const source = await createBundleSource(dir, { tickets, logger, nowMs: () => nowMs });
    const first = await source.current();
    spoil('directory.yaml', 'name: Felix', 'name: Fenix');
    dated();
    nowMs += 2_000;
    await source.current();
    nowMs += 2_000;
    expect((await source.current()).directory.digest).not.toBe(first.directory.digest);
  });
});
