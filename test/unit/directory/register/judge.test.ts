import * as fc from 'fast-check';
import type { RegisterRow } from '../../../../src/contracts/enrolment';
import type { FileDirectory } from '../../../../src/directory/file-directory';
import { decodeRow, rowId } from '../../../../src/directory/register/row';
import { digestOf } from '../../../../src/domain/digest';
import { signEndorsement } from '../../../../src/signing/enrolment';
import { signAs } from '../../../../src/signing/sign';
import { addedBy, claimsOf, redeem, retiredBy, signedByHolder } from '../../../support/signing/enrolment';
import { DAY, EnrolmentWorld, MINUTE, NOW } from '../../../support/signing/enrolment-world';
import { judgedOver, jwsOf, NOBODY } from '../../../support/signing/judged';
import { SoftwarePasskey } from '../../../support/signing/passkey';

let world: EnrolmentWorld;
let file: FileDirectory;
beforeAll(async () => {
  world = await EnrolmentWorld.make();
  file = world.directory();
});

const LATER = NOW + 30 * DAY;

const judged = (rows: readonly RegisterRow[], over = file) => judgedOver(over, rows);

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
