import { MOST_KEYS_OF_ONE, type RegisterRow } from '../../../../src/contracts/enrolment';
import type { FileDirectory } from '../../../../src/directory/file-directory';
import { rowId } from '../../../../src/directory/register/row';
import { signEndorsement, signRetirement } from '../../../../src/signing/enrolment';
import { signAs } from '../../../../src/signing/sign';
import { addedBy, claimsOf, redeem, retiredBy } from '../../../support/signing/enrolment';
import { DAY, EnrolmentWorld, MINUTE, NOW } from '../../../support/signing/enrolment-world';
import { judgedOver, jwsOf, NOBODY } from '../../../support/signing/judged';
import { SoftwarePasskey } from '../../../support/signing/passkey';

let world: EnrolmentWorld;
let file: FileDirectory;
beforeAll(async () => {
  world = await EnrolmentWorld.make();
  file = world.directory();
});

const judged = (rows: readonly RegisterRow[], over = file) => judgedOver(over, rows);

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
