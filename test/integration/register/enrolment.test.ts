import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FolderSink } from '../../../src/audit/archive/folder-sink';
import { ArchivedVersions, keepingVersions } from '../../../src/audit/archive/versions';
import { Replayer } from '../../../src/audit/replay';
import { verifyEvidence } from '../../../src/audit/verify/verify';
import type { RegisterRow } from '../../../src/contracts/enrolment';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import {
  type Invited,
  signEndorsement,
  signInvitation,
  signRetirement,
} from '../../../src/signing/enrolment';
import { evidenceOf, findingsIn } from '../../support/audit';
import { resealed } from '../../support/audit-reseal';
import { builtWorkflowBundle } from '../../support/harness';
import { ADMIN, WRITE } from '../../support/harness-asks';
import { addedBy, claimsOf, redeem, retiredBy } from '../../support/signing/enrolment';
import { DAY, MINUTE } from '../../support/signing/enrolment-world';
import { ORIGIN, RP_ID, SoftwarePasskey } from '../../support/signing/passkey';
import type { Answer } from '../gateway/support/http';
import { RequestGateway } from '../gateway/support/request-gateway';

/** How often strangers of one network may call. More than the other tests do. */
const BURST = 100;

let stack: RequestGateway;
let folder: string;
const replayer = new Replayer(builtWorkflowBundle());
beforeAll(async () => {
  stack = await RequestGateway.start((url) => ({ publicUrl: url, limits: RATES }), { enrols: true });
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-enrolment-'));
}, 120_000);
afterAll(async () => {
  await replayer.close();
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const RATES = Object.fromEntries(
  ['evaluation', 'submission', 'reading', 'redemption', 'unauthenticated', 'enrolment'].map((name) => [
    name,
    { perSecond: name === 'enrolment' ? 0.001 : 100_000, burst: name === 'enrolment' ? BURST : 100_000 },
  ]),
);
const post = (row: RegisterRow): Promise<Answer> => stack.web.call('/v1/keys', { body: row });
const codeOf = ({ status, json }: Answer): string => `${status} ${json.code ?? json.state}`;

async function invite(
  person: string,
  { by = 'person/nadia', atMs = Date.now(), lifeMs = DAY, endorse = false } = {},
): Promise<Invited> {
  return signInvitation(
    { person, rpId: RP_ID, origin: ORIGIN, lifeMs, endorse },
    by,
    await stack.key(by),
    atMs,
  );
}

async function enrol(person: string, passkey = new SoftwarePasskey()): Promise<SoftwarePasskey> {
  const answer = await post(await redeem(await invite(person), person, passkey, Date.now()));
  expect(codeOf(answer)).toBe('201 counts');
  return passkey;
}

describe('WEB-1, WEB-3 from an invitation to a decision that counts', () => {
  test('the enrolled passkey approves, the grant is made, and evidence of it holds offline', async () => {
    const { cast } = stack.harness;
    const shelf = new ArchivedVersions(new FolderSink(folder));
    const invited = await invite('person/mira');
    const shown = await stack.web.call('/v1/keys/invitation', { body: { invitation: invited.invitation } });
    expect(shown.json).toMatchObject({
      person: 'person/mira',
      invitedBy: 'person/nadia',
      needsEndorsement: false,
    });
    const passkey = new SoftwarePasskey();
    const answer = await post(
      await redeem(invited, 'person/mira', passkey, Date.now(), { label: 'telephone' }),
    );
    expect(answer.json).toMatchObject({
      keyId: passkey.credentialId,
      person: 'person/mira',
      state: 'counts',
    });

    const request = await cast.ask({ ...WRITE, durationMs: 1_500 });
    const body = await cast.signByPasskey(passkey, 'person/mira', 'approve', request);
    const said = await stack.as('person/mira', `/v1/requests/${request.id}/statements`, { body });
    expect(said.json).toMatchObject({ accepted: true });
    const counted = (await cast.events(request)).find((event) => event.type === 'statement_accepted');
    expect(counted).toMatchObject({
      accepted: {
        statement: { iss: 'person/mira' },
        assurance: 'phishing-resistant',
        keyId: passkey.credentialId,
      },
    });
    expect((await cast.over(request)).status).toMatch(/expired|closed/);

    await keepingVersions(await stack.harness.bundles(SILENT_LOGGER), shelf, SILENT_LOGGER).current();
    const evidence = await evidenceOf(stack.harness, request.id, replayer, shelf);
    const [book] = evidence.directories.filter(({ excerpt }) => excerpt.register !== undefined);
    expect(book?.excerpt.register).toHaveLength(1);
    expect(findingsIn(await verifyEvidence(evidence, { replayer }))).toEqual([]);
    const versions = await Promise.all(
      (await shelf.digests()).directories.map((one) => shelf.directory(one)),
    );
    const directories = versions.flatMap((text) => text ?? []);
    expect(findingsIn(await verifyEvidence(evidence, { directories }))).toEqual([]);

    const forged = structuredClone(evidence);
    const changed = (change: Pick<typeof evidence, 'directories'>) => {
      const sealed = resealed({ ...forged, ...change });
      if (sealed === undefined) throw new Error('no evidence');
      return sealed;
    };
    const without = forged.directories.map(({ digest, excerpt: { register: _rows, ...excerpt } }) => ({
      digest,
      excerpt,
    }));
    expect(findingsIn(await verifyEvidence(changed({ directories: without }), {}))).not.toEqual([]);
    const mallory = new SoftwarePasskey();
    const register = [
      await redeem(await invite('person/mira', { by: 'person/tomas' }), 'person/mira', mallory, Date.now()),
    ];
    const moved = forged.directories.map(({ digest, excerpt }) => ({
      digest,
      excerpt: { ...excerpt, register },
    }));
    expect(findingsIn(await verifyEvidence(changed({ directories: moved }), {}))).toContainEqual(
      expect.stringMatching(/^versions .*row of the register does not count/),
    );
  });

  test('a key that is retired between the statement and the act gives no access', async () => {
    const { cast } = stack.harness;
    const [phone, laptop] = [await enrol('person/tomas'), new SoftwarePasskey()];
    expect(codeOf(await post(addedBy(phone, claimsOf('person/tomas', laptop, Date.now()))))).toBe(
      '201 counts',
    );
    const request = await cast.ask(ADMIN);
    expect(
      await cast.carry(request, await cast.signByPasskey(phone, 'person/tomas', 'approve', request)),
    ).toBe('accepted');
    const retired = retiredBy(
      laptop,
      'person/tomas',
      { keyId: phone.credentialId, keeps: [laptop.credentialId] },
      Date.now(),
    );
    expect(codeOf(await post(retired))).toBe('201 retired');
    expect(await cast.say('person/david', 'approve', request)).toBe('accepted');
    const view = await cast.settled(request);
    expect([view.status, view.lease]).toEqual(['failed', undefined]);
    const other = await cast.ask(WRITE);
    const byPhone = await cast.signByPasskey(phone, 'person/tomas', 'deny', other);
    expect(await cast.carry(other, byPhone)).toBe('UNKNOWN_KEY');
    const byLaptop = await cast.signByPasskey(laptop, 'person/tomas', 'deny', other);
    expect(await cast.carry(other, byLaptop)).toBe('accepted');
    expect(
      codeOf(await post(addedBy(phone, claimsOf('person/tomas', new SoftwarePasskey(), Date.now())))),
    ).toBe('422 UNKNOWN_KEY');
  });
});

describe('WEB-3 what the gateway takes into the register', () => {
  test('each attack is refused with its code, and leaves no row', async () => {
    const now = Date.now();
    const rowsOf = async () =>
      (await stack.harness.postgres.query('SELECT id FROM countersign.register_row')).length;
    const known = await enrol('person/lena');
    const before = await rowsOf();
    const fresh = () => new SoftwarePasskey();
    const invited = await invite('person/helen');
    const week = await invite('person/helen', { atMs: now - 2 * DAY });
    const attacks: Readonly<Record<string, [RegisterRow, string]>> = {
      'another person': [await redeem(invited, 'person/oskar', fresh(), now), '422 NOT_ELIGIBLE'],
      'not the key in the link': [
        await redeem({ ...invited, key: week.key }, 'person/helen', fresh(), now),
        '422 BAD_SIGNATURE',
      ],
      'an invitation that has expired, used with a date of then': [
        await redeem(week, 'person/helen', fresh(), now - 2 * DAY + MINUTE),
        '422 EXPIRED_STATEMENT',
      ],
      'an invitation by an approver': [
        await redeem(await invite('person/helen', { by: 'person/tomas' }), 'person/helen', fresh(), now),
        '422 NOT_GOVERNANCE',
      ],
      'an invitation by somebody for themselves': [
        await redeem(await invite('person/nadia'), 'person/nadia', fresh(), now),
        '422 CONFLICTED',
      ],
      'for a machine': [
        await redeem(await invite('agent/atlas'), 'agent/atlas', fresh(), now),
        '422 NOT_HUMAN',
      ],
      'the passkey of somebody else': [await redeem(invited, 'person/helen', known, now), '422 CONFLICTED'],
      'another RP': [
        await redeem(invited, 'person/helen', fresh(), now, {
          credential: {
            ...fresh().registration.passkey,
            rpId: 'evil.example',
            origin: 'https://evil.example',
          },
        }),
        '422 BAD_SIGNATURE',
      ],
      'a key that signs for itself': [
        addedBy(known, claimsOf('person/helen', known, now)),
        '422 UNKNOWN_KEY',
      ],
      'a further key for somebody else': [
        addedBy(known, claimsOf('person/helen', fresh(), now)),
        '422 BAD_SIGNATURE',
      ],
      'a retirement by somebody else': [
        retiredBy(await enrol('person/aiko'), 'person/aiko', { keyId: known.credentialId }, now),
        '422 NOT_ELIGIBLE',
      ],
      'an endorsement of nothing': [
        {
          endorsement: await signEndorsement(
            `sha-256:${'A'.repeat(43)}`,
            'person/viktor',
            await stack.key('person/viktor'),
            now,
          ),
        },
        '422 NOT_ELIGIBLE',
      ],
    };
    for (const [what, [row, code]] of Object.entries(attacks))
      expect([what, codeOf(await post(row))]).toEqual([what, code]);
    expect(await rowsOf()).toBe(before + 1);
    const good = await redeem(invited, 'person/helen', fresh(), now);
    expect(codeOf(await post(good))).toBe('201 counts');
    expect(codeOf(await post(good))).toBe('409 REPLAYED');
    expect(codeOf(await post(await redeem(invited, 'person/helen', fresh(), now)))).toMatch(/REPLAYED/);
  });

  test('a passkey whose signature counter went back adds no key, and can still be retired', async () => {
    const phone = await enrol('person/amara');
    const another = (signCount: number) => {
      const claims = claimsOf('person/amara', new SoftwarePasskey(), Date.now());
      return post(addedBy(phone, claims, { signCount }));
    };
    expect(codeOf(await another(1))).toBe('201 counts');
    expect(codeOf(await another(1))).toBe('422 BAD_SIGNATURE');
    // Its first signature by its own count, which is taken as well.
    const retired = retiredBy(phone, 'person/amara', { keyId: phone.credentialId }, Date.now());
    expect(codeOf(await post(retired))).toBe('201 retired');
  });

  test('a second governor endorses, and governors see and retire the keys of others', async () => {
    const now = Date.now();
    const passkey = new SoftwarePasskey();
    const waiting = await post(
      await redeem(await invite('person/marcus', { endorse: true }), 'person/marcus', passkey, now),
    );
    expect(codeOf(waiting)).toBe('201 awaits-endorsement');
    const endorse = async (by: string) =>
      post({
        endorsement: await signEndorsement(waiting.json.registration, by, await stack.key(by), Date.now()),
      });
    expect(codeOf(await endorse('person/nadia'))).toBe('409 NOT_NOW');
    expect(codeOf(await endorse('person/viktor'))).toBe('201 counts');
    const list = (who: string, query = '') => stack.as(who, `/v1/keys${query}`);
    expect((await list('person/marcus')).json.keys).toMatchObject([
      { keyId: passkey.credentialId, state: 'counts', vouchedBy: ['person/nadia', 'person/viktor'] },
    ]);
    expect((await list('person/lena', '?person=person/marcus')).status).toBe(403);
    expect((await list('person/lena', '?all=true')).status).toBe(403);
    expect((await list('person/nadia', '?person=person/marcus')).json.keys).toHaveLength(1);
    const about = { keyId: passkey.credentialId, reason: 'lost' };
    const retirement = await signRetirement(
      about,
      'person/nadia',
      await stack.key('person/nadia'),
      Date.now(),
    );
    expect(codeOf(await post({ retirement }))).toBe('201 retired');
    expect((await list('person/marcus')).json.keys).toMatchObject([{ state: 'retired' }]);
  });

  test('strangers are limited by their network', async () => {
    for (let calls = 0; calls < BURST; calls += 1)
      if ((await stack.web.call('/v1/keys', { body: {} })).status === 429) return;
    throw new Error('nobody was limited');
  });
});
