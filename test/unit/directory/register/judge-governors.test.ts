import { INVITATION_TYPE, type RegisterRow } from '../../../../src/contracts/enrolment';
import type { FileDirectory } from '../../../../src/directory/file-directory';
import { rowId } from '../../../../src/directory/register/row';
import { signEndorsement } from '../../../../src/signing/enrolment';
import { signAs } from '../../../../src/signing/sign';
import { redeem } from '../../../support/signing/enrolment';
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
