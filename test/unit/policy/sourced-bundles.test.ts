import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { askedDirectoryOf } from '../../../src/audit/evidence/excerpt';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { digestOfSnapshot, type Snapshot } from '../../../src/directory/sources/snapshot';
import type { StoredSnapshot } from '../../../src/directory/sources/store';
import { FileTicketSource, type LoadedBundle, loadBundle, withSources } from '../../../src/policy';
import { generateKey, readKeyFile, type SigningKey } from '../../../src/signing/keys';
import { signSnapshot } from '../../../src/signing/sources';
import { exampleBundleCopy, spoiled } from '../../support/policy/spoiled-bundle';
import { NOW } from './example';

const SINCE = new Date(NOW).toISOString();
const SOURCES = `readers: [service/directory]
sources:
  office:
    kind: ldap
    url: ldaps://ldap.example.com
    bindDn: cn=reader
    passwordFile: /nowhere
    people: { base: ou=people, accounts: { warehouse: uid } }
    groupsBase: ou=groups
    groups: { dba: { from: admins, most: 9 } }
    roles: { security-operations: security }
`;
const person = (name: string, about: Partial<Snapshot['people'][number]> = {}) => ({
  id: `person/${name}`,
  stable: name,
  name: `Name of ${name}`,
  active: true,
  accounts: {},
  since: SINCE,
  ...about,
});
const snapshot = (about: Partial<Snapshot> = {}): Snapshot => ({
  source: 'office',
  people: [person('erin'), person('finn')],
  groups: { dba: ['person/erin', 'person/finn'] },
  roles: {},
  ...about,
});

let dir: string;
let key: SigningKey;
let other: SigningKey;
let root: LoadedBundle;
const told: string[] = [];
const logger = {
  ...SILENT_LOGGER,
  error: (about: object, message: string) => void told.push(`${message} ${JSON.stringify(about)}`),
};

async function load(): Promise<LoadedBundle> {
  const loaded = await loadBundle(dir, new FileTicketSource(undefined));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.bundle;
}
beforeEach(async () => {
  dir = exampleBundleCopy();
  told.length = 0;
  const registered: string[] = [];
  const keys: SigningKey[] = [];
  for (const name of ['one', 'two']) {
    const { publicJwk, privateJwkText } = await generateKey();
    writeFileSync(path.join(dir, `${name}.jwk`), privateJwkText, { mode: 0o600 });
    keys.push(await readKeyFile(path.join(dir, `${name}.jwk`)));
    registered.push(JSON.stringify([{ jwk: publicJwk, assurance: 'key', channel: name }]));
  }
  [key, other] = keys as [SigningKey, SigningKey];
  const identity = (name: string, keysOf = '[]') =>
    `  service/${name}: { title: Reads, owner: person/david, sponsor: person/oskar, keys: ${keysOf} }\n`;
  spoiled(
    path.join(dir, 'directory.yaml'),
    'identities:\n',
    `identities:\n${identity('directory', registered[0])}${identity('stranger', registered[1])}`,
  );
  writeFileSync(path.join(dir, 'sources.yaml'), SOURCES);
  root = await load();
});
afterEach(() => rmSync(dir, { recursive: true }));

async function stored(what: Snapshot, by = 'service/directory', signer = key): Promise<StoredSnapshot> {
  const digest = digestOfSnapshot(what);
  const jws = await signSnapshot({ source: 'office', digest }, by, signer, NOW);
  return { snapshot: what, digest, jws, held: [], remarks: [] };
}
const composed = async (...snapshots: readonly StoredSnapshot[]) =>
  withSources({ current: async () => root }, { current: async () => snapshots }, logger, () => NOW).current();

describe('DIR-1, DIR-3 what sources give becomes text of the directory', () => {
  test('the text is what evidence and offline verification read, by the same digest', async () => {
    const bundle = await composed(await stored(snapshot()));
    expect(bundle.directory.membersOf('dba', NOW)).toEqual([
      'person/aiko',
      'person/david',
      'person/erin',
      'person/finn',
    ]);
    expect(bundle.policy.digest).toBe(root.policy.digest);
    expect(bundle.directory.digest).not.toBe(root.directory.digest);
    const asked = await askedDirectoryOf(bundle.files.get('directory.yaml') ?? '');
    expect(asked?.digest).toBe(bundle.directory.digest);
    expect(asked?.standingOf('person/erin', NOW)).toEqual(bundle.directory.standingOf('person/erin', NOW));
    expect(asked?.excerpt().people).toMatchObject({ 'person/erin': { name: 'withheld', enabled: true } });
    expect(await composed()).toMatchObject({ directory: { digest: expect.any(String) } });
  });

  test('the file wins, but nobody is active whom either has disabled, and the earlier end counts', async () => {
    const people = [
      person('david', { active: false }),
      person('kim', {
        endsAt: '2026-12-01T00:00:00.000Z',
        sponsor: 'person/mira',
        accounts: { warehouse: 'mine' },
      }),
      person('nadia'),
    ];
    const { directory } = await composed(
      await stored(snapshot({ people, groups: { dba: ['person/david', 'person/nadia'] } })),
    );
    expect(directory.standingOf('person/david', NOW)).toMatchObject({ active: false });
    expect(directory.membersOf('dba', NOW)).toEqual(['person/aiko']);
    expect(directory.identity('person/kim')).toMatchObject({
      sponsor: 'person/lena',
      accounts: { warehouse: 'kim_contractor' },
      endsAtMs: Date.UTC(2026, 11, 1),
    });
    expect(directory.standingOf('person/nadia', NOW)).toMatchObject({
      roles: ['iam-operations'],
      groups: [],
    });
    expect(told).toEqual([expect.stringMatching(/^ALERT an approval path is closed.* two-owners/)]);
  });

  test('a group that a source fills closes no path before the source was read', async () => {
    spoiled(path.join(dir, 'directory.yaml'), 'members: [person/david, person/aiko]', 'members: []');
    root = await load();
    expect(root.unreachable).toEqual([]);
    const bundle = await composed(await stored(snapshot({ groups: { dba: ['person/erin'] } })));
    expect(bundle.unreachable.map(({ message }) => message)).toEqual([
      expect.stringMatching(/two-owners: only 1/),
    ]);
  });

  test('an account that somebody has, or that the target could not have, is left out, and nothing else is lost', async () => {
    const people = [
      person('erin', { accounts: { warehouse: 'kim_contractor' } }),
      person('finn', { accounts: { warehouse: 'x'.repeat(200) } }),
    ];
    const { directory } = await composed(await stored(snapshot({ people })));
    for (const { id } of people) expect(directory.identity(id)?.accounts).toEqual({});
    expect(directory.membersOf('dba', NOW)).toHaveLength(4);
  });

  test.each([
    ['of somebody who is no reader', 'service/stranger', () => other],
    ['in the name of the reader', 'service/directory', () => other],
  ])('DIR-3 a signature %s gives nothing, and is told', async (_, by, signer) => {
    const bundle = await composed(await stored(snapshot(), by, signer()));
    expect(bundle.directory.identity('person/erin')).toBeUndefined();
    expect(told).toEqual([
      expect.stringMatching(/^ALERT a snapshot does not count, because no reader signed it/),
    ]);
  });

  test('DIR-2 where the bundle would be bad with what a source gives, its groups and roles are left out; who left is gone', async () => {
    const roles = { 'security-operations': ['person/amara'] };
    const people = [person('amara'), person('erin'), person('tomas', { active: false })];
    const { directory } = await composed(
      await stored(snapshot({ people, roles, groups: { dba: ['person/erin'] } })),
    );
    expect(directory.standingOf('person/amara', NOW)?.roles).toEqual([]);
    expect(directory.membersOf('dba', NOW)).toEqual(['person/aiko', 'person/david']);
    expect(directory.standingOf('person/tomas', NOW)).toMatchObject({ active: false });
  });

  test.each([
    [
      'a group that directory.yaml does not declare',
      'groups: { dba:',
      'groups: { dbas:',
      /no group dbas.* "?dba/,
    ],
    [
      'a reader that is not there',
      'service/directory]',
      'service/directories]',
      /no identity service\/directories/,
    ],
    ['a person as reader', 'service/directory]', 'person/nadia]', /is a person/],
    ['a connector that is not there', 'warehouse: uid', 'warehous: uid', /no connector warehous/],
    ['a role that is time-boxed', 'security-operations:', 'governance-delegate:', /governance-delegate/],
    ['a limit that nobody set', ', most: 9', '', /"most" is missing/],
    ['an address of another protocol', 'ldaps://', 'https://', /ldaps:\/\/HOST/],
    ['a key that is none', 'kind: ldap', 'kind: ldap\n    keys: []', /"keys" is not known/],
  ])('sources.yaml with %s is refused, with its line', async (_, search, replacement, message) => {
    spoiled(path.join(dir, 'sources.yaml'), search, replacement);
    const loaded = await loadBundle(dir, new FileTicketSource(undefined));
    const problems = loaded.ok ? [] : loaded.problems;
    expect(problems.map(({ file, message: why }) => `${file} ${why}`).join('\n')).toMatch(message);
    for (const { line } of problems) expect(line).toBeGreaterThan(0);
  });
});
