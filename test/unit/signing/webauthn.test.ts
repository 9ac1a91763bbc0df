import { STATEMENT_TYPE } from '../../../src/contracts/statement';
import type { Passkey } from '../../../src/directory/directory';
import { readDirectory } from '../../../src/directory/read-directory';
import { decodeEnvelope } from '../../../src/domain/decode';
import { LIMITS } from '../../../src/domain/limits';
import type { WebauthnEnvelope } from '../../../src/domain/request';
import { generateKey } from '../../../src/signing/keys';
import { SignedDirectory } from '../../../src/signing/signed-directory';
import { verifyAssertion } from '../../../src/signing/webauthn';
import { type Ceremony, ORIGIN, RP_ID, SoftwarePasskey } from '../../support/signing/passkey';

const NOW = Date.parse('2026-11-29T12:00:00Z');
const CLAIMS = {
  typ: STATEMENT_TYPE,
  iss: 'person/mira',
  jti: 'statement-1',
  iat: NOW / 1_000,
  exp: NOW / 1_000 + 3_600,
  verb: 'approve',
  stage: 'owner',
  request: 'request-1234',
  digest: `sha-256:${'A'.repeat(43)}`,
  revision: 0,
};
const passkey = new SoftwarePasskey();
const registered: Passkey = {
  kind: 'passkey',
  keyId: passkey.credentialId,
  principal: 'person/mira',
  publicKey: passkey.publicKey,
  rpId: RP_ID,
  origin: ORIGIN,
  assurance: 'phishing-resistant',
  channel: 'browser',
};
const check = (ceremony: Ceremony = {}) => verifyAssertion(passkey.sign(CLAIMS, ceremony), registered);

describe('WEB-2 what a passkey signs counts, and only on our own page with its user verified', () => {
  test.each(['ES256', 'EdDSA', 'RS256'] as const)('a signature by %s holds', async (algorithm) => {
    const other = new SoftwarePasskey(algorithm);
    const key = { ...registered, keyId: other.credentialId, publicKey: other.publicKey };
    expect(await verifyAssertion(other.sign(CLAIMS, { flags: 0b11101, signCount: 7 }), key)).toEqual({
      ok: true,
      value: { claims: CLAIMS, authenticator: { signCount: 7, backupEligible: true, backedUp: true } },
    });
  });

  test.each<[string, Ceremony, string, RegExp]>([
    ['another origin', { origin: 'https://evil.example' }, 'BAD_SIGNATURE', /origin/],
    ['a sub-domain of ours', { origin: `https://sub.${RP_ID}` }, 'BAD_SIGNATURE', /origin/],
    ['another port', { origin: `${ORIGIN}:8443` }, 'BAD_SIGNATURE', /origin/],
    ['http in place of https', { origin: `http://${RP_ID}` }, 'BAD_SIGNATURE', /origin/],
    ['localhost', { origin: 'http://localhost' }, 'BAD_SIGNATURE', /origin/],
    ['another RP id', { rpId: 'evil.example' }, 'BAD_SIGNATURE', /RP ID/],
    ['a registration in place of a signature', { type: 'webauthn.create' }, 'BAD_SIGNATURE', /type/],
    ['a frame of another origin', { crossOrigin: true }, 'BAD_SIGNATURE', /frame/],
    ['a frame under our own origin', { topOrigin: ORIGIN }, 'BAD_SIGNATURE', /frame/],
    ['no user verification', { flags: 0b001 }, 'WEAK_ASSURANCE', /did not verify/],
    ['no user presence', { flags: 0b100 }, 'BAD_SIGNATURE', /present/],
    ['other claims than those signed', { challenged: '{}' }, 'BAD_SIGNATURE', /challenge/],
    ['claims in another order', { claims: JSON.stringify(CLAIMS) }, 'MALFORMED', /canonical/],
    ['claims with a member twice', { claims: '{"a":1,"a":2}' }, 'MALFORMED', /canonical/],
    ['claims that are no object', { claims: '"approve"' }, 'MALFORMED', /canonical/],
    ['claims that are no JSON', { claims: 'approve' }, 'MALFORMED', /canonical/],
  ])('%s is refused', async (_what, ceremony, code, detail) => {
    const verified = await check(ceremony);
    expect(verified).toEqual({ ok: false, refusal: { code, detail: expect.stringMatching(detail) } });
  });

  test('every part is covered: a changed character anywhere is refused', async () => {
    const genuine = passkey.sign(CLAIMS);
    const parts = ['claims', 'authenticatorData', 'clientDataJSON', 'signature'] as const;
    for (const part of parts)
      for (let at = 0; at < genuine[part].length - 1; at += 5) {
        const text = genuine[part];
        const changed = text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
        expect(await verifyAssertion({ ...genuine, [part]: changed }, registered)).toMatchObject({
          ok: false,
        });
      }
  });
});

describe('WEB-1 a statement by passkey is a statement like any other', () => {
  const directoryWith = (keys: string) => {
    const read = readDirectory(
      'directory.yaml',
      `people:\n  person/mira: { name: Mira, keys: ${keys} }\n  person/tomas: { name: Tomas }\n`,
    );
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    return new SignedDirectory(read.value.directory);
  };
  const directory = directoryWith(JSON.stringify([passkey.registration]));

  test('it is verified with the assurance of its format, and what the authenticator said is kept', async () => {
    const envelope = passkey.sign(CLAIMS, { signCount: 3 });
    expect(await directory.authenticateStatement(envelope, NOW)).toMatchObject({
      verified: true,
      facts: {
        statement: { iss: 'person/mira', verb: 'approve', jti: 'statement-1' },
        envelope,
        keyId: passkey.credentialId,
        assurance: 'phishing-resistant',
        channel: 'browser',
        authenticator: { signCount: 3, backupEligible: false, backedUp: false },
      },
    });
  });

  test.each<[string, object, string]>([
    ['in the name of somebody else', { iss: 'person/tomas' }, 'BAD_SIGNATURE'],
    ['for another purpose than a statement', { typ: 'countersign-submission+jwt' }, 'MALFORMED'],
    ['for no purpose', { typ: undefined }, 'MALFORMED'],
    ['with a claim that no statement has', { admin: true }, 'MALFORMED'],
  ])('one %s is refused', async (_what, change, code) => {
    const { ...claims } = { ...CLAIMS, ...change };
    const envelope = passkey.sign(JSON.parse(JSON.stringify(claims)));
    expect(await directory.authenticateStatement(envelope, NOW)).toMatchObject({
      verified: false,
      attempt: { refusal: { code } },
    });
  });

  test('a credential that is not registered, or is revoked, signs nothing', async () => {
    const stranger = new SoftwarePasskey();
    const revoked = directoryWith(JSON.stringify([{ ...passkey.registration, revoked: true }]));
    for (const [who, envelope] of [
      [directory, stranger.sign(CLAIMS)],
      [revoked, passkey.sign(CLAIMS)],
    ] as const)
      expect(await who.authenticateStatement(envelope, NOW)).toMatchObject({
        verified: false,
        attempt: { refusal: { code: 'UNKNOWN_KEY' } },
      });
  });

  test('the workflow and the edges decode the same envelopes', () => {
    const genuine = passkey.sign(CLAIMS);
    expect(decodeEnvelope(genuine)).toEqual({ ok: true, value: genuine });
    const long: WebauthnEnvelope = { ...genuine, claims: 'x'.repeat(LIMITS.statementBytes) };
    expect(decodeEnvelope(long)).toMatchObject({ refusal: { code: 'TOO_LARGE' } });
    for (const spoilt of [
      { ...genuine, more: 1 },
      { ...genuine, signature: 'a b' },
      { ...genuine, credentialId: 7 },
      { format: 'webauthn' },
    ])
      expect(decodeEnvelope(spoilt)).toMatchObject({ refusal: { code: 'MALFORMED' } });
  });
});

describe('WEB-2 a label in a file raises nothing', () => {
  const problems = (keys: unknown) => {
    const text = `people:\n  person/mira:\n    name: Mira\n    keys: ${JSON.stringify(keys)}\n`;
    const read = readDirectory('directory.yaml', text);
    return read.ok ? [] : read.problems.map(({ line, message }) => `${line}: ${message}`);
  };

  test('a JWK that is called phishing-resistant is refused on load, with line and remedy', async () => {
    const { publicJwk } = await generateKey();
    expect(problems([{ jwk: publicJwk, assurance: 'phishing-resistant', channel: 'cli' }])).toEqual([
      '4: a JWK is not phishing-resistant, whatever the file says; write "assurance: key", or register a passkey',
    ]);
    expect(problems([{ ...passkey.registration, assurance: 'phishing-resistant' }])).toHaveLength(1);
  });

  test.each([
    ['an origin of another host', { origin: 'https://evil.example' }, /is no https origin/],
    ['an origin with a path', { origin: `${ORIGIN}/page` }, /is no https origin/],
    ['an origin without https', { origin: `http://${RP_ID}` }, /is no https origin/],
    ['a public key that is none', { publicKey: 'AAAA' }, /no COSE key/],
  ])('a passkey with %s is refused on load', (_what, change, message) => {
    const [one, ...others] = problems([{ passkey: { ...passkey.registration.passkey, ...change } }]);
    expect(one).toMatch(message);
    expect(others).toEqual([]);
  });

  test('a credential id that two people have is refused on load', () => {
    const keys = JSON.stringify([passkey.registration]);
    const text = `people:\n  person/mira: { name: Mira, keys: ${keys} }\n  person/tomas: { name: Tomas, keys: ${keys} }\n`;
    expect(readDirectory('directory.yaml', text)).toMatchObject({
      ok: false,
      problems: [{ line: 3, message: expect.stringMatching(/registered to person\/mira already/) }],
    });
  });
});
