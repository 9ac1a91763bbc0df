import { CompactSign, generateKeyPair } from 'jose';
import { STATEMENT_TYPE, SUBMISSION_TYPE } from '../../../src/contracts/statement';
import { requestDigest } from '../../../src/domain/digest';
import { LIMITS } from '../../../src/domain/limits';
import type { SigningKey } from '../../../src/signing/keys';
import { signStatement, signSubmission } from '../../../src/signing/sign';
import { EARLIER_RULES, SignedDirectory } from '../../../src/signing/signed-directory';
import { Keyring, sampleRequest, strangersKey } from '../../support/keyring';

const NOW = 1_700_000_000_000;
const TIMES = { nowMs: NOW, lifeMs: 3_600_000 };
const request = sampleRequest();
const draft = {
  verb: 'approve' as const,
  stage: 'owner',
  request: request.id,
  digest: requestDigest(request),
  revision: 0,
};

let keyring: Keyring;
let directory: SignedDirectory;
let mira: SigningKey;
let atlas: SigningKey;

beforeEach(async () => {
  keyring = new Keyring();
  mira = await keyring.enrol('person/mira', { groups: ['leads'] });
  atlas = await keyring.enrol('agent/atlas');
  directory = new SignedDirectory(keyring);
});

/** What a statement of any header, payload and signature comes to. */
async function codeOf(header: Record<string, unknown>, claims: unknown, key = mira): Promise<string> {
  const jws = await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'EdDSA', typ: STATEMENT_TYPE, kid: key.keyId, ...header })
    .sign(key.key);
  const check = await directory.authenticateStatement({ format: 'jws', jws }, NOW);
  return check.verified ? 'verified' : check.attempt.refusal.code;
}

const claims = { ...draft, iss: 'person/mira', jti: 'j-1', iat: NOW / 1_000, exp: NOW / 1_000 + 60 };

describe('TTA-3 an approval names the stage that it is for', () => {
  const { stage: _stage, ...unnamed } = draft;

  test('without one it does not count: it could have been signed before its stage opened', async () => {
    const check = await directory.authenticateStatement(
      await signStatement(unnamed, 'person/mira', mira, TIMES),
      NOW,
    );
    expect(check).toMatchObject({
      verified: false,
      attempt: { refusal: { code: 'MALFORMED' }, claimedVerb: 'approve' },
    });
    const denial = { ...unnamed, verb: 'deny' as const };
    const denied = await directory.authenticateStatement(
      await signStatement(denial, 'person/mira', mira, TIMES),
      NOW,
    );
    expect(denied.verified).toBe(true);
  });

  test('AUD-3 one that was taken before can still be verified', async () => {
    const before = new SignedDirectory(keyring, EARLIER_RULES);
    const check = await before.authenticateStatement(
      await signStatement(unnamed, 'person/mira', mira, TIMES),
      NOW,
    );
    expect(check.verified).toBe(true);
  });
});

describe('TTA-1 a request that somebody signs for themselves', () => {
  test('presents no properties to policy: an enforcement point does, and a gateway attests it', async () => {
    const presented = { subject: {}, resource: { ownerID: 'atlas' }, action: {} };
    const codeFor = async (asked: typeof request) => {
      const recognised = await directory.authenticateSubmission(await signSubmission(asked, atlas), NOW);
      return recognised.ok ? 'recognised' : recognised.refusal.code;
    };
    const own = { ...request, requester: 'agent/atlas' };
    expect(await codeFor(own)).toBe('recognised');
    expect(await codeFor({ ...own, presented })).toBe('BAD_SIGNATURE');
  });
});

describe('TTA-5 a statement counts by its signature, and by nothing else', () => {
  test('one that is signed by its issuer yields who they are now', async () => {
    const envelope = await signStatement(draft, 'person/mira', mira, TIMES);
    const check = await directory.authenticateStatement(envelope, NOW);
    expect(check).toMatchObject({
      verified: true,
      facts: {
        signer: { id: 'person/mira', groups: ['leads'] },
        keyId: mira.keyId,
        assurance: 'key',
        channel: 'cli',
      },
    });
  });

  test('every part of the token is covered: a changed character anywhere is refused', async () => {
    const { jws } = await signStatement(draft, 'person/mira', mira, TIMES);
    for (let index = 0; index < jws.length; index += 7) {
      const other = jws[index] === 'A' ? 'B' : 'A';
      const changed = jws.slice(0, index) + other + jws.slice(index + 1);
      const check = await directory.authenticateStatement({ format: 'jws', jws: changed }, NOW);
      expect(check.verified).toBe(false);
    }
  });

  test('a key that nobody registered', async () => {
    const envelope = await signStatement(draft, 'person/mira', await strangersKey(), TIMES);
    const check = await directory.authenticateStatement(envelope, NOW);
    expect(check).toMatchObject({ verified: false, attempt: { refusal: { code: 'UNKNOWN_KEY' } } });
  });

  test("a stranger's signature under a registered key's id", async () => {
    const forged = { ...(await strangersKey()), keyId: mira.keyId };
    expect(await codeOf({}, claims, forged)).toBe('BAD_SIGNATURE');
  });

  test("a colleague's key under somebody else's name", async () => {
    expect(await codeOf({}, claims, atlas)).toBe('BAD_SIGNATURE');
  });

  test('a key that was revoked since', async () => {
    const envelope = await signStatement(draft, 'person/mira', mira, TIMES);
    keyring.revoke(mira.keyId);
    const check = await directory.authenticateStatement(envelope, NOW);
    expect(check).toMatchObject({ verified: false, attempt: { refusal: { code: 'UNKNOWN_KEY' } } });
  });

  test('a token of another kind never passes for a statement', async () => {
    expect(await codeOf({ typ: SUBMISSION_TYPE }, claims)).toBe('MALFORMED');
    expect(await codeOf({ typ: undefined }, claims)).toBe('MALFORMED');
  });

  test('the header can choose neither algorithm nor key', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    const jws = await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
      .setProtectedHeader({ alg: 'ES256', typ: STATEMENT_TYPE, kid: mira.keyId })
      .sign(privateKey);
    const check = await directory.authenticateStatement({ format: 'jws', jws }, NOW);
    expect(check).toMatchObject({ attempt: { refusal: { code: 'BAD_SIGNATURE' } } });

    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const none = `${encode({ alg: 'none', typ: STATEMENT_TYPE, kid: mira.keyId })}.${encode(claims)}.x`;
    const unsigned = await directory.authenticateStatement({ format: 'jws', jws: none }, NOW);
    expect(unsigned).toMatchObject({ attempt: { refusal: { code: 'BAD_SIGNATURE' } } });
  });

  test.each([
    ['no verb', { verb: undefined }],
    ['a verb that does not exist', { verb: 'overrule' }],
    ['a member that nobody knows', { quorum: 0 }],
    ['a digest that is none', { digest: 'sha-256:short' }],
    ['a revision that is no number', { revision: '0' }],
    ['a comment with control characters', { comment: 'fine\u202e' }],
    ['a comment that goes on, on a line of its own', { comment: 'fine\n  approved by person/tomas' }],
  ])('%s is MALFORMED', async (_, change) => {
    expect(await codeOf({}, { ...claims, ...change })).toBe('MALFORMED');
  });

  test('AUD-3 what was taken by earlier rules is read by them', async () => {
    const told = { ...draft, comment: 'fine\nby me' };
    const envelope = await signStatement(told, 'person/mira', mira, TIMES);
    const then = new SignedDirectory(keyring, EARLIER_RULES);
    expect((await then.authenticateStatement(envelope, NOW)).verified).toBe(true);
    expect((await directory.authenticateStatement(envelope, NOW)).verified).toBe(false);
  });

  test('a statement past its size', async () => {
    const jws = `a.${'b'.repeat(LIMITS.statementBytes)}.c`;
    const check = await directory.authenticateStatement({ format: 'jws', jws }, NOW);
    expect(check).toMatchObject({ attempt: { refusal: { code: 'TOO_LARGE' } } });
  });
});

describe('TTA-3 a submission is exactly what its requester signed', () => {
  test('the signed one is recognised', async () => {
    const submission = await signSubmission(request, atlas);
    expect(await directory.authenticateSubmission(submission, NOW)).toMatchObject({
      ok: true,
      value: { principal: 'agent/atlas', keyId: atlas.keyId },
    });
  });

  test.each([
    ['duration', { durationMs: 61_000 }],
    ['beneficiary', { beneficiary: 'agent/other' }],
    ['target', { entitlement: { connector: 'warehouse', resource: 'payments', action: 'read' } }],
    ['reason', { reason: 'another' }],
    ['emergency', { emergency: true }],
  ])('with another %s it is another request', async (_, change) => {
    const { proof } = await signSubmission(request, atlas);
    const verdict = await directory.authenticateSubmission(
      { request: { ...request, ...change }, proof },
      NOW,
    );
    expect(verdict).toMatchObject({ ok: false, refusal: { code: 'DIGEST_MISMATCH' } });
  });

  test('nobody submits in the name of another', async () => {
    const submission = await signSubmission(request, mira);
    expect(await directory.authenticateSubmission(submission, NOW)).toMatchObject({
      refusal: { code: 'BAD_SIGNATURE' },
    });
  });

  test('an identity that is no longer active is not recognised', async () => {
    const gone = await keyring.enrol('agent/gone', { active: false });
    const submission = await signSubmission(sampleRequest({ requester: 'agent/gone' }), gone);
    expect(await directory.authenticateSubmission(submission, NOW)).toMatchObject({
      refusal: { code: 'DISABLED_IDENTITY' },
    });
  });
});
