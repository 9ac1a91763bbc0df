import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FolderSink } from '../../../src/audit/archive/folder-sink';
import { ArchivedVersions, versionsWith } from '../../../src/audit/archive/versions';
import { readVersion, versionText } from '../../../src/audit/evidence/directory-version';
import { askedDirectoryOf, directoryOfExcerpt } from '../../../src/audit/evidence/excerpt';
import { checkEnrolments } from '../../../src/audit/verify/enrolments';
import type { RegisterRow } from '../../../src/contracts/enrolment';
import { digestOfText } from '../../../src/domain/digest';
import { addedBy, claimsOf, redeem, retiredBy } from '../../support/signing/enrolment';
import { composed, DAY, EnrolmentWorld, NOW } from '../../support/signing/enrolment-world';
import { SoftwarePasskey } from '../../support/signing/passkey';

const LATER = NOW + 30 * DAY;
const [laptop, other] = [new SoftwarePasskey(), new SoftwarePasskey()];
let world: EnrolmentWorld;
let phone: SoftwarePasskey;
/** Tomas's lost telephone, the laptop that he had added with it, his retirement of the telephone; and a key of Mira's. */
let rows: readonly RegisterRow[];
beforeAll(async () => {
  world = await EnrolmentWorld.make();
  const { passkey, row } = await world.enrol('person/tomas');
  phone = passkey;
  rows = [
    row,
    addedBy(phone, claimsOf('person/tomas', laptop, NOW + DAY)),
    retiredBy(laptop, 'person/tomas', { keyId: phone.credentialId, keeps: [laptop.credentialId] }, NOW + DAY),
    (await world.enrol('person/mira', other)).row,
  ];
});

async function asked(keyIds: readonly string[]) {
  const directory = await askedDirectoryOf(versionText(world.text(), rows));
  if (directory === undefined) throw new Error('no directory');
  for (const keyId of keyIds) directory.keyById(keyId, LATER);
  return directory;
}

describe('WEB-3 evidence carries the rows that its signatures rest on, and proves them', () => {
  test('the excerpt of a version gives the keys that were asked for, and no other', async () => {
    const { directory } = await composed(world.directory(), rows);
    const whole = await asked([laptop.credentialId, phone.credentialId]);
    expect(whole.digest).toBe(directory.digest);
    const excerpt = whole.excerpt();
    expect(excerpt.register).toHaveLength(3);
    expect(Object.keys(excerpt.people).sort()).toEqual(['person/nadia', 'person/tomas']);
    const read = await directoryOfExcerpt(excerpt, whole.digest);
    if (!read.ok) throw new Error(read.message);
    expect(read.directory.digest).toBe(directory.digest);
    expect(read.directory.keyById(laptop.credentialId, LATER)).toEqual(
      directory.keyById(laptop.credentialId, LATER),
    );
    expect(read.directory.keyById(phone.credentialId, LATER)).toBeUndefined();
    expect(read.directory.keyById(other.credentialId, LATER)).toBeUndefined();
  });

  test('without an enrolled key among the signers, an excerpt is as it always was', async () => {
    const excerpt = (await asked([world.keyOf('person/mira').keyId])).excerpt();
    expect(excerpt).not.toHaveProperty('register');
    expect(await directoryOfExcerpt(excerpt, 'sha-256:any')).toMatchObject({ ok: true });
  });

  test('a row that was changed, moved or left out is found', async () => {
    const whole = await asked([laptop.credentialId]);
    const excerpt = whole.excerpt();
    const { register = [] } = excerpt;
    for (const [index, row] of register.entries()) {
      const without = register.filter((one) => one !== row);
      const changed = JSON.parse(
        JSON.stringify(row).replace(
          /([\w-]{20})([\w-])([\w-]{20}"[^"]*)$/,
          (_, a, b, c) => a + (b === 'A' ? 'B' : 'A') + c,
        ),
      );
      expect([index, changed]).not.toEqual([index, row]);
      const forged = await directoryOfExcerpt({ ...excerpt, register: [...without, changed] }, whole.digest);
      const isLaptops = forged.ok && forged.directory.keyById(laptop.credentialId, LATER) !== undefined;
      expect([index, 'retirement' in row || !isLaptops]).toEqual([index, true]);
    }
    const withoutGovernor = { ...excerpt, people: { ...excerpt.people } };
    delete withoutGovernor.people['person/nadia'];
    expect(await directoryOfExcerpt(withoutGovernor, whole.digest)).toMatchObject({
      ok: false,
      message: expect.stringMatching(/row of the register does not count: UNKNOWN_KEY/),
    });
    const idle = await directoryOfExcerpt(
      { ...excerpt, register: [...register, ...rows.slice(3)] },
      whole.digest,
    );
    expect(idle).toMatchObject({ ok: false });
  });
});

describe('WEB-3 an auditor reckons who let whom register a passkey, apart from what judged it', () => {
  /** What an auditor finds in a book with these rows, whatever their signatures are worth. */
  const found = async (register: readonly RegisterRow[]) => {
    const whole = await asked([laptop.credentialId, other.credentialId]);
    const excerpt = { ...whole.excerpt(), register: [...register] };
    const everyone = (
      await asked(['person/viktor', 'person/greta'].map((id) => world.keyOf(id).keyId))
    ).excerpt();
    const people = { ...everyone.people, ...excerpt.people };
    const directories = [{ digest: whole.digest, excerpt: { ...excerpt, people } }];
    return [...checkEnrolments({ directories })].map(({ message }) => message);
  };

  test('it finds nothing in honest rows', async () => {
    expect(await found(rows)).toEqual([]);
  });

  test('it finds each that nobody was entitled to', async () => {
    const redeemed = async (
      options: Parameters<EnrolmentWorld['invite']>[1],
      person = 'person/tomas',
      atMs = NOW,
    ) => redeem(await world.invite(person, options), person, new SoftwarePasskey(), atMs);
    const twice = await world.invite('person/tomas');
    const [mine, theirs] = [new SoftwarePasskey(), new SoftwarePasskey()];
    const cases: readonly [RegisterRow[], RegExp][] = [
      [[await redeemed({ by: 'person/greta' })], /too few governors/],
      [[await redeemed({ endorse: true })], /too few governors/],
      [[await redeemed({}, 'person/nadia')], /invited themselves/],
      [[await redeemed({ lifeMs: 8 * DAY })], /not in force/],
      [[await redeemed({}, 'person/tomas', NOW + DAY)], /not in force/],
      [[await redeem(twice, 'person/mira', mine, NOW)], /used the invitation of person\/tomas/],
      [
        [await redeem(twice, 'person/tomas', mine, NOW), await redeem(twice, 'person/tomas', theirs, NOW)],
        /used twice/,
      ],
      [[...rows.slice(0, 1), addedBy(phone, claimsOf('person/mira', theirs, NOW))], /another person's key/],
      [
        [...rows, await redeem(await world.invite('person/greta'), 'person/greta', laptop, NOW)],
        /belongs to/,
      ],
    ];
    for (const [forged, message] of cases)
      expect(await found(forged)).toContainEqual(expect.stringMatching(message));
  });
});

describe('WEB-3 an archive keeps each version of the directory with its register', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'countersign-versions-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('a version comes back by its digest, and each row is kept once', async () => {
    const file = world.text();
    const archived = new ArchivedVersions(new FolderSink(folder));
    const files = new Map([['directory.yaml', file]]);
    const first = await composed(world.directory(), rows.slice(0, 1));
    const second = await composed(world.directory(), rows);
    await archived.keep(files, first.rows);
    await archived.keep(files, second.rows);
    for (const { directory } of [first, second]) {
      const text = await archived.directory(directory.digest);
      expect(readVersion(text ?? '').digest).toBe(directory.digest);
    }
    expect((await archived.digests()).directories.sort()).toEqual(
      [first.directory.digest, second.directory.digest, digestOfText(file)].sort(),
    );
    expect(readdirSync(path.join(folder, 'register'))).toHaveLength(rows.length);
  });

  test('a bundle at hand has the version of this moment without an archive', async () => {
    const { directory, rows: inForce } = await composed(world.directory(), rows);
    const files = new Map([['directory.yaml', world.text()]]);
    const text = await versionsWith(files, undefined, inForce).directory(directory.digest);
    expect(readVersion(text ?? '').digest).toBe(directory.digest);
    expect(await versionsWith(files).directory(directory.digest)).toBeUndefined();
  });

  test('a row that somebody changed in the archive is not believed', async () => {
    const archived = new ArchivedVersions(new FolderSink(folder));
    const { directory, rows: inForce } = await composed(world.directory(), rows);
    await archived.keep(new Map([['directory.yaml', world.text()]]), inForce);
    const [name = '', other = ''] = readdirSync(path.join(folder, 'register'));
    const another = readFileSync(path.join(folder, 'register', other));
    rmSync(path.join(folder, 'register', name));
    writeFileSync(path.join(folder, 'register', name), another);
    expect(await archived.directory(directory.digest)).toBeUndefined();
  });
});
