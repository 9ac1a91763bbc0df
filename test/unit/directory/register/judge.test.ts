import * as fc from 'fast-check';
import { INVITATION_TYPE, MOST_KEYS_OF_ONE, type RegisterRow } from '../../../../src/contracts/enrolment';
import type { FileDirectory } from '../../../../src/directory/file-directory';
import { decodeRow, rowId } from '../../../../src/directory/register/row';
import { digestOf } from '../../../../src/domain/digest';
import { signEndorsement, signRetirement } from '../../../../src/signing/enrolment';
import { signAs } from '../../../../src/signing/sign';
import { addedBy, claimsOf, redeem, retiredBy, signedByHolder } from '../../../support/signing/enrolment';
import { composed, DAY, EnrolmentWorld, MINUTE, NOW } from '../../../support/signing/enrolment-world';
import { SoftwarePasskey } from '../../../support/signing/passkey';

let world: EnrolmentWorld;
let file: FileDirectory;
beforeAll(async () => {
  world = await EnrolmentWorld.make();
  file = world.directory();
});

const LATER = NOW + 30 * DAY;

/** The code with which each row that does not count was refused, and whose keys count. */
async function judged(rows: readonly RegisterRow[], over = file) {
  const { directory, rows: inForce } = await composed(over, rows);
  const { judged: found } = directory;
  return {
    holders: [...found.keys.values()].map(({ key }) => key.principal).sort(),
    codes: [...found.refusals.values()].map(({ code }) => code).sort(),
    keyIds: [...found.keys.keys()].sort(),
    inForce,
    directory,
  };
}
const NOBODY = (...codes: readonly string[]) => ({ holders: [], codes });

describe('WEB-3 a passkey is enrolled by invitation', () => {
  test('one that a governor invited counts, as phishing-resistant, on its own page', async () => {
    const { passkey, row } = await world.enrol('person/tomas');
    const { directory, holders, codes } = await judged([row]);
    expect({ holders, codes }).toEqual({ holders: ['person/tomas'], codes: [] });
    expect(directory.keyById(passkey.credentialId, LATER)).toEqual({
      ...{ kind: 'passkey', keyId: passkey.credentialId, principal: 'person/tomas', channel: 'browser' },
      ...{ assurance: 'phishing-resistant', ...passkey.registration.passkey, credentialId: undefined },
    });
    expect(directory.digest).not.toBe(file.digest);
  });

  test('without rows in force the directory keeps the digest of its file', async () => {
    const { directory } = await judged([{ retirement: { format: 'jws', jws: 'a.b.c' } }]);
    expect(directory.digest).toBe(file.digest);
  });

  test('a governor who signs with a passkey of their own invites as well', async () => {
    const { passkey, row } = await world.enrol('person/viktor');
    const { invitation, key } = await world.invite('person/tomas');
    const decoded = decodeRow({ invitation, registration: invitation });
    expect(decoded).toBeUndefined();
    const claims = JSON.parse(Buffer.from(jwsOf(invitation).split('.')[1] ?? '', 'base64url').toString());
    const byPasskey = passkey.sign({ ...claims, iss: 'person/viktor', typ: 'countersign-enrolment+jwt' });
    const second = await redeem(
      { invitation: byPasskey, key },
      'person/tomas',
      new SoftwarePasskey(),
      NOW + MINUTE,
    );
    expect(await judged([second, row])).toMatchObject({
      holders: ['person/tomas', 'person/viktor'],
      codes: [],
    });
    expect(await judged([second])).toMatchObject(NOBODY('UNKNOWN_KEY'));
  });
});

const jwsOf = (envelope: { readonly format: string; readonly jws?: string }): string => envelope.jws ?? '';

describe('WEB-3 nobody registers a key for somebody else', () => {
  test('an invitation of another person', async () => {
    const invited = await world.invite('person/tomas');
    const row = await redeem(invited, 'person/mira', new SoftwarePasskey(), NOW + MINUTE);
    expect(await judged([row])).toMatchObject(NOBODY('NOT_ELIGIBLE'));
  });

  test('an invitation that somebody read, without the key in the link', async () => {
    const invited = await world.invite('person/tomas');
    const { key } = await world.invite('person/mira');
    const row = await redeem({ ...invited, key }, 'person/tomas', new SoftwarePasskey(), NOW + MINUTE);
    expect(await judged([row])).toMatchObject(NOBODY('BAD_SIGNATURE'));
  });

  test('a registration moved to another person, or with another key in it', async () => {
    const { row } = await world.enrol('person/tomas');
    const other = await world.enrol('person/mira');
    if (!('invitation' in row) || !('invitation' in other.row)) throw new Error('not invited');
    const moved = { invitation: other.row.invitation, registration: row.registration };
    expect(await judged([moved])).toMatchObject(NOBODY('DIGEST_MISMATCH'));
    const [head, payload = '', signature] = row.registration.jws.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    claims.credential.publicKey = new SoftwarePasskey().publicKey;
    const changed = Buffer.from(JSON.stringify(claims)).toString('base64url');
    const altered = {
      ...row,
      registration: { format: 'jws' as const, jws: `${head}.${changed}.${signature}` },
    };
    expect(await judged([altered])).toMatchObject(NOBODY('BAD_SIGNATURE'));
  });

  test('a row written by hand', async () => {
    const passkey = new SoftwarePasskey();
    const claims = claimsOf('person/mira', passkey, NOW);
    const byItself = addedBy(passkey, claims);
    const unsigned = {
      registration: { format: 'jws' as const, jws: `${part({ kid: 'x' })}.${part(claims)}.AA` },
    };
    expect(await judged([byItself, unsigned])).toMatchObject(NOBODY('UNKNOWN_KEY', 'UNKNOWN_KEY'));
  });

  test('an invitation that was altered, is no invitation, or is signed for another purpose', async () => {
    const invited = await world.invite('person/tomas');
    const [head, payload = '', signature] = jwsOf(invited.invitation).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const altered = `${head}.${part({ ...claims, sub: 'person/mira' })}.${signature}`;
    const again = { ...invited, invitation: { format: 'jws' as const, jws: altered } };
    const first = await redeem(again, 'person/mira', new SoftwarePasskey(), NOW + MINUTE);
    expect(await judged([first])).toMatchObject(NOBODY('BAD_SIGNATURE'));
    const statement = await signAs('countersign-statement+jwt', claims, world.keyOf('person/nadia'));
    const second = await redeem(
      { ...invited, invitation: statement },
      'person/tomas',
      new SoftwarePasskey(),
      NOW,
    );
    expect(await judged([second])).toMatchObject(NOBODY('BAD_SIGNATURE'));
  });

  test('for a machine', async () => {
    const row = await redeem(await world.invite('agent/atlas'), 'agent/atlas', new SoftwarePasskey(), NOW);
    expect(await judged([row])).toMatchObject(NOBODY('NOT_HUMAN'));
  });
});

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('WEB-3 an invitation is for one use, for a time, and for one page', () => {
  test('used twice, the registration that was signed first counts, in whatever order the rows lie', async () => {
    const invited = await world.invite('person/tomas');
    const [first, second] = [new SoftwarePasskey(), new SoftwarePasskey()];
    const rows = [
      await redeem(invited, 'person/tomas', second, NOW + 2 * MINUTE),
      await redeem(invited, 'person/tomas', first, NOW + MINUTE),
    ];
    for (const order of [rows, [...rows].reverse()])
      expect(await judged(order)).toMatchObject({ keyIds: [first.credentialId], codes: ['REPLAYED'] });
  });

  test('late, early, or valid for more than seven days', async () => {
    const day = await world.invite('person/tomas');
    const late = await redeem(day, 'person/tomas', new SoftwarePasskey(), NOW + DAY);
    const early = await redeem(day, 'person/tomas', new SoftwarePasskey(), NOW - 2 * MINUTE);
    const long = await world.invite('person/tomas', { lifeMs: 7 * DAY + 1_000 });
    const longer = await redeem(long, 'person/tomas', new SoftwarePasskey(), NOW + MINUTE);
    for (const row of [late, early, longer])
      expect(await judged([row])).toMatchObject(NOBODY('EXPIRED_STATEMENT'));
    const week = await world.invite('person/tomas', { lifeMs: 7 * DAY });
    const inTime = await redeem(week, 'person/tomas', new SoftwarePasskey(), NOW + 7 * DAY - 1_000);
    expect(await judged([inTime])).toMatchObject({ holders: ['person/tomas'] });
  });

  test('for another RP, or another origin of it', async () => {
    const invited = await world.invite('person/tomas');
    const passkey = new SoftwarePasskey();
    const about = passkey.registration.passkey;
    for (const other of [
      { ...about, rpId: 'evil.example', origin: 'https://evil.example' },
      { ...about, origin: 'https://sub.access.example.com' },
    ]) {
      const row = await redeem(invited, 'person/tomas', passkey, NOW + MINUTE, { credential: other });
      expect(await judged([row])).toMatchObject(NOBODY('BAD_SIGNATURE'));
    }
    const elsewhere = await world.invite('person/tomas', { origin: 'https://evil.example' });
    const row = await redeem(elsewhere, 'person/tomas', passkey, NOW + MINUTE);
    expect(await judged([row])).toMatchObject(NOBODY('MALFORMED'));
  });
});

describe('WEB-3 only governors for keys invite', () => {
  test.each([
    ['an approver', 'person/mira'],
    ['a governor for something else', 'person/greta'],
    ['a machine', 'agent/atlas'],
  ])('%s does not', async (_who, by) => {
    const row = await redeem(
      await world.invite('person/tomas', { by }),
      'person/tomas',
      new SoftwarePasskey(),
      NOW,
    );
    expect(await judged([row])).toMatchObject(NOBODY('NOT_GOVERNANCE'));
  });

  test('a key of somebody else does not sign in the name of a governor', async () => {
    const { invitation, key } = await world.invite('person/tomas');
    const claims = JSON.parse(Buffer.from(jwsOf(invitation).split('.')[1] ?? '', 'base64url').toString());
    const forged = { invitation: await signAs(INVITATION_TYPE, claims, world.keyOf('person/mira')), key };
    const row = await redeem(forged, 'person/tomas', new SoftwarePasskey(), NOW + MINUTE);
    expect(await judged([row])).toMatchObject(NOBODY('BAD_SIGNATURE'));
  });

  test('an invitation to oneself does not count, even with the word of another governor', async () => {
    const own = await redeem(await world.invite('person/nadia'), 'person/nadia', new SoftwarePasskey(), NOW);
    const endorsement = await signEndorsement(rowId(own), 'person/viktor', world.keyOf('person/viktor'), NOW);
    expect(await judged([own, { endorsement }])).toMatchObject(NOBODY('CONFLICTED'));
  });

  test('nobody invites themselves, and a passkey that the file names stays what the file says', async () => {
    const own = await redeem(await world.invite('person/nadia'), 'person/nadia', new SoftwarePasskey(), NOW);
    expect(await judged([own])).toMatchObject(NOBODY('CONFLICTED'));
    const { passkey, row } = await world.enrol('person/tomas');
    const named = world.directory({ 'person/tomas': { keys: [{ ...passkey.registration, revoked: true }] } });
    const { directory } = await judged([row], named);
    expect(directory.keyById(passkey.credentialId, LATER)).toBeUndefined();
  });

  test.each([
    ['whose key was revoked', { key: { revoked: true } }, 'UNKNOWN_KEY'],
    ['whose key ended before they signed', { key: { notAfter: '2026-11-29T11:00Z' } }, 'UNKNOWN_KEY'],
    ['who is disabled', { enabled: false }, 'NOT_GOVERNANCE'],
    ['who has the role no more', { roles: [] }, 'NOT_GOVERNANCE'],
    ['who left before', { endDate: '2026-11-28' }, 'NOT_GOVERNANCE'],
  ])('the invitation of a governor %s does not count', async (_what, change, code) => {
    const { row } = await world.enrol('person/tomas');
    expect(await judged([row], world.directory({ 'person/nadia': change }))).toMatchObject(NOBODY(code));
  });

  test('what they signed before they left, by the dates of the file, goes on to count', async () => {
    const { row } = await world.enrol('person/tomas');
    const dated = world.directory({
      'person/nadia': { endDate: '2026-12-01', key: { notAfter: '2026-12-01' } },
    });
    expect(await judged([row], dated)).toMatchObject({ holders: ['person/tomas'] });
  });
});

describe('WEB-3 a second governor endorses where the invitation asks for one', () => {
  const awaiting = async (passkey = new SoftwarePasskey()) => {
    const row = await redeem(
      await world.invite('person/tomas', { endorse: true }),
      'person/tomas',
      passkey,
      NOW,
    );
    const endorsedBy = async (by: string, about = rowId(row)): Promise<RegisterRow> => ({
      endorsement: await signEndorsement(about, by, world.keyOf(by), NOW + MINUTE),
    });
    return { row, endorsedBy };
  };

  test('it counts with the word of another one, and not without', async () => {
    const { row, endorsedBy } = await awaiting();
    expect(await judged([row])).toMatchObject(NOBODY('NOT_NOW'));
    expect(await judged([row, await endorsedBy('person/viktor')])).toMatchObject({
      holders: ['person/tomas'],
    });
  });

  test.each(['person/nadia', 'person/greta', 'person/mira'])('the word of %s is none', async (by) => {
    const { row, endorsedBy } = await awaiting();
    expect(await judged([row, await endorsedBy(by)])).toMatchObject(NOBODY('NOT_NOW'));
  });

  test('an endorsement of another registration is none', async () => {
    const { row } = await awaiting();
    const other = await awaiting();
    expect(await judged([row, await other.endorsedBy('person/viktor')])).toMatchObject(NOBODY('NOT_NOW'));
  });

  test('the governor who is enrolled does not endorse it', async () => {
    const row = await redeem(
      await world.invite('person/viktor', { endorse: true }),
      'person/viktor',
      new SoftwarePasskey(),
      NOW,
    );
    const own = {
      endorsement: await signEndorsement(rowId(row), 'person/viktor', world.keyOf('person/viktor'), NOW),
    };
    expect(await judged([row, own])).toMatchObject(NOBODY('NOT_NOW'));
  });

  test('another governor can take the place of one who has left', async () => {
    const { row } = await world.enrol('person/tomas');
    const without = world.directory({ 'person/nadia': { enabled: false } });
    const vouched = {
      endorsement: await signEndorsement(rowId(row), 'person/viktor', world.keyOf('person/viktor'), NOW),
    };
    expect(await judged([row, vouched], without)).toMatchObject({ holders: ['person/tomas'], codes: [] });
  });
});

describe('WEB-3 a further key is added by the first one', () => {
  test('of the same person, for the same page', async () => {
    const { passkey, row } = await world.enrol('person/tomas');
    const second = new SoftwarePasskey();
    const added = addedBy(passkey, claimsOf('person/tomas', second, NOW + DAY));
    const { keyIds } = await judged([added, row]);
    expect(keyIds).toEqual([passkey.credentialId, second.credentialId].sort());
  });

  test('not for somebody else, not for another page, not for another purpose', async () => {
    const { passkey, row } = await world.enrol('person/tomas');
    const second = new SoftwarePasskey();
    const { credentialId, publicKey } = second;
    const elsewhere = { credentialId, publicKey, rpId: 'evil.example', origin: 'https://evil.example' };
    const rows = [
      addedBy(passkey, claimsOf('person/mira', second, NOW)),
      addedBy(passkey, claimsOf('person/tomas', second, NOW, { credential: elsewhere })),
      addedBy(passkey, claimsOf('person/tomas', second, NOW), {}, 'countersign-statement+jwt'),
      addedBy(passkey, claimsOf('person/tomas', second, NOW), { origin: 'https://evil.example' }),
    ];
    for (const one of rows)
      expect(await judged([row, one])).toMatchObject({
        keyIds: [passkey.credentialId],
        codes: ['BAD_SIGNATURE'],
      });
  });

  test('a key file adds none: it is worth less than a passkey', async () => {
    const claims = claimsOf('person/mira', new SoftwarePasskey(), NOW);
    const row = {
      registration: await signAs('countersign-registration+jwt', claims, world.keyOf('person/mira')),
    };
    expect(await judged([row])).toMatchObject(NOBODY('WEAK_ASSURANCE'));
  });

  test(`a person has ${MOST_KEYS_OF_ONE} at most`, async () => {
    const { passkey, row } = await world.enrol('person/tomas');
    const more = Array.from({ length: MOST_KEYS_OF_ONE }, (_, index) =>
      addedBy(passkey, claimsOf('person/tomas', new SoftwarePasskey(), NOW + DAY + index * 1_000)),
    );
    const { keyIds, codes } = await judged([row, ...more]);
    expect([keyIds.length, codes]).toEqual([MOST_KEYS_OF_ONE, ['TOO_LARGE']]);
  });
});

describe('WEB-3 a credential id has one holder', () => {
  test('one that two people registered counts for neither', async () => {
    const [mine, theirs] = [new SoftwarePasskey(), new SoftwarePasskey()];
    const stolen = { credentialId: mine.credentialId, publicKey: theirs.publicKey };
    const rows = [
      await redeem(await world.invite('person/tomas'), 'person/tomas', mine, NOW + MINUTE),
      await redeem(await world.invite('person/mira'), 'person/mira', stolen, NOW + 2 * MINUTE),
    ];
    expect(await judged(rows)).toMatchObject(NOBODY('CONFLICTED', 'CONFLICTED'));
  });

  test('a row for it that does not hold takes nothing away', async () => {
    const { passkey, row } = await world.enrol('person/tomas');
    const forged = addedBy(new SoftwarePasskey(), claimsOf('person/mira', passkey, NOW));
    expect(await judged([row, forged])).toMatchObject({ holders: ['person/tomas'], codes: ['UNKNOWN_KEY'] });
  });
});

describe('WEB-3 a retired key counts no more, at once and for good', () => {
  const retiredByGovernor = async (keyId: string, keeps?: readonly string[]): Promise<RegisterRow> => ({
    retirement: await signRetirement(
      { keyId, ...(keeps && { keeps: [...keeps] }) },
      'person/nadia',
      world.keyOf('person/nadia'),
      NOW + 2 * DAY,
    ),
  });

  test('by a governor, and it stays so when that governor has left', async () => {
    const { passkey, row } = await world.enrol('person/tomas');
    const rows = [await retiredByGovernor(passkey.credentialId), row];
    const vouched = {
      endorsement: await signEndorsement(rowId(row), 'person/viktor', world.keyOf('person/viktor'), NOW),
    };
    const without = world.directory({ 'person/nadia': { enabled: false, key: { revoked: true } } });
    for (const [over, more] of [
      [file, []],
      [without, [vouched]],
    ] as const) {
      const { directory, holders } = await judged([...rows, ...more], over);
      expect(holders).toEqual([]);
      expect(directory.keyById(passkey.credentialId, NOW)).toBeUndefined();
    }
  });

  test('the owner retires a lost one with another, and keeps what they had added with it, and nothing else', async () => {
    const { passkey: phone, row } = await world.enrol('person/tomas');
    const [laptop, thiefs] = [new SoftwarePasskey(), new SoftwarePasskey()];
    const own = addedBy(phone, claimsOf('person/tomas', laptop, NOW + DAY));
    const theft = addedBy(phone, claimsOf('person/tomas', thiefs, NOW + DAY));
    const about = { keyId: phone.credentialId, keeps: [laptop.credentialId] };
    const retired = retiredBy(laptop, 'person/tomas', about, NOW + 2 * DAY);
    expect(await judged([row, own, theft, retired])).toMatchObject({
      keyIds: [laptop.credentialId],
      codes: ['UNKNOWN_KEY'],
    });
    // The thief's own retirement takes more away and gives nothing.
    const back = retiredBy(
      thiefs,
      'person/tomas',
      { keyId: phone.credentialId, keeps: [thiefs.credentialId] },
      NOW,
    );
    expect(await judged([row, own, theft, retired, back])).toMatchObject(
      NOBODY('UNKNOWN_KEY', 'UNKNOWN_KEY'),
    );
  });

  test("what a retired governor's passkey invited counts no more, unless it is kept", async () => {
    const { passkey: governors, row } = await world.enrol('person/viktor');
    const { invitation, key } = await world.invite('person/tomas');
    const [, payload = ''] = jwsOf(invitation).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const byPasskey = governors.sign({ ...claims, iss: 'person/viktor', typ: 'countersign-enrolment+jwt' });
    const passkey = new SoftwarePasskey();
    const invited = await redeem({ invitation: byPasskey, key }, 'person/tomas', passkey, NOW + MINUTE);
    expect(await judged([row, invited, await retiredByGovernor(governors.credentialId)])).toMatchObject({
      keyIds: [],
    });
    const kept = await retiredByGovernor(governors.credentialId, [passkey.credentialId]);
    expect(await judged([row, invited, kept])).toMatchObject({ keyIds: [passkey.credentialId] });
  });
});

describe('WEB-3 whatever lies in the register', () => {
  test('it counts the same in any order, and the rows in force alone give the same keys', async () => {
    const { passkey: phone, row } = await world.enrol('person/tomas');
    const laptop = new SoftwarePasskey();
    const twice = await world.invite('person/mira');
    const endorsed = await redeem(
      await world.invite('person/greta', { endorse: true }),
      'person/greta',
      new SoftwarePasskey(),
      NOW,
    );
    const rows: RegisterRow[] = [
      row,
      addedBy(phone, claimsOf('person/tomas', laptop, NOW + DAY)),
      addedBy(laptop, claimsOf('person/tomas', new SoftwarePasskey(), NOW + 2 * DAY)),
      retiredBy(
        laptop,
        'person/tomas',
        { keyId: phone.credentialId, keeps: [laptop.credentialId] },
        NOW + 3 * DAY,
      ),
      await redeem(twice, 'person/mira', new SoftwarePasskey(), NOW + MINUTE),
      await redeem(twice, 'person/mira', new SoftwarePasskey(), NOW + 2 * MINUTE),
      endorsed,
      {
        endorsement: await signEndorsement(
          rowId(endorsed),
          'person/viktor',
          world.keyOf('person/viktor'),
          NOW,
        ),
      },
      addedBy(new SoftwarePasskey(), claimsOf('person/mira', new SoftwarePasskey(), NOW)),
    ];
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(rows), fc.shuffledSubarray(rows), async (some, others) => {
        const once = await judged(some);
        const otherwise = await judged([
          ...others.filter((one) => some.includes(one)),
          ...[...some].reverse(),
        ]);
        expect([otherwise.keyIds, otherwise.directory.digest]).toEqual([once.keyIds, once.directory.digest]);
        const alone = await judged(once.inForce);
        expect([alone.keyIds, alone.directory.digest, alone.codes]).toEqual([
          once.keyIds,
          once.directory.digest,
          [],
        ]);
      }),
      { numRuns: 200 },
    );
  });

  test('a changed character anywhere in a row makes it count for nothing', async () => {
    const { row } = await world.enrol('person/tomas');
    if (!('invitation' in row)) throw new Error('not invited');
    const { registration } = row;
    for (const [member, text] of [
      ['invitation', jwsOf(row.invitation)],
      ['registration', registration.jws],
    ] as const)
      for (let at = 0; at < text.length - 1; at += 7) {
        const jws = text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
        expect(await judged([{ ...row, [member]: { format: 'jws', jws } }])).toMatchObject({ holders: [] });
      }
  });

  test('what is no row, or too large for one, is none', async () => {
    const { row } = await world.enrol('person/tomas');
    const long = { retirement: { format: 'jws', jws: `a.${'b'.repeat(17_000)}.c` } };
    for (const value of [
      undefined,
      7,
      {},
      [],
      { ...row, more: 1 },
      long,
      { retirement: { format: 'jws', jws: 'a.b.c' } },
    ])
      expect(decodeRow(value)).toBeUndefined();
    expect(decodeRow(row)?.id).toBe(digestOf(row));
    expect(await signedByHolder((await world.invite('person/tomas')).key, {})).toMatchObject({
      format: 'jws',
    });
  });
});
