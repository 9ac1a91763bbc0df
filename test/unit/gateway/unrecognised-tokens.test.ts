import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Hono } from 'hono';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { Authenticator } from '../../../src/gateway/auth/authenticate';
import { IssuerTokens } from '../../../src/gateway/auth/issuer-tokens';
import { logUnrecognised } from '../../../src/gateway/auth/unrecognised';
import { HttpProblem } from '../../../src/gateway/http/problem';
import { Names } from '../../../src/gateway/pdp/names';
import { DpopVerifier } from '../../../src/signing/dpop';
import { Keyring } from '../../support/keyring';

const AUDIENCE = 'https://countersign.example';
const ISSUER = 'https://issuer.example';

let dir: string;
let signer: CryptoKey;
let jwksFile: string;
beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'countersign-tokens-'));
  const pair = await generateKeyPair('ES256', { extractable: true });
  signer = pair.privateKey;
  jwksFile = path.join(dir, 'jwks.json');
  writeFileSync(jwksFile, JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k1' }] }));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const token = (sub: string, claims: JWTPayload = {}, key = signer): Promise<string> =>
  new SignJWT({ sub, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
    .setIssuer(typeof claims.iss === 'string' ? claims.iss : ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(key);

/** A gateway's way to recognise callers, with what it writes to the log. */
function recogniser() {
  let nowMs = Date.now();
  const lines: { details: object; message: string }[] = [];
  const warn = (details: object, message: string) => void lines.push({ details, message });
  const log = { info: () => undefined, error: () => undefined, warn };
  const issuer = {
    ...{
      kind: 'oauth' as const,
      issuer: ISSUER,
      audience: AUDIENCE,
      jwksFile,
      algorithms: ['ES256' as const],
    },
    identities: [
      { principal: 'service/harness', claims: { sub: 'harness' } },
      { principal: 'service/left', claims: { sub: 'left' } },
    ],
  };
  const authenticator = new Authenticator(
    [new IssuerTokens(issuer, AUDIENCE)],
    new DpopVerifier(() => nowMs),
    AUDIENCE,
    async (principal) => principal === 'service/harness',
    () => nowMs,
    undefined,
    logUnrecognised(log, () => nowMs),
  );
  const app = new Hono();
  app.get('/', async (c) => c.text((await authenticator.authenticate(c)).principal));
  app.onError((error, c) => c.text(error.message, error instanceof HttpProblem ? 401 : 500));
  const call = async (bearer: string): Promise<number> => {
    const answer = await app.request('/', { headers: { authorization: `Bearer ${bearer}` } });
    return answer.status;
  };
  return { call, lines, pass: (ms: number) => (nowMs += ms) };
}

describe('FRI-2, AUD-2 a token that maps to nobody leaves a line with issuer and subject, and never the token', () => {
  test('one that the issuer signed and gateway.yaml maps to nobody', async () => {
    const { call, lines } = recogniser();
    expect(await call(await token('harness'))).toBe(200);
    expect(lines).toEqual([]);
    const stranger = await token('repo:acme/other');
    expect(await call(stranger)).toBe(401);
    expect(lines).toEqual([
      {
        details: {
          issuer: ISSUER,
          subject: 'repo:acme/other',
          why: 'gateway.yaml maps it, or an actor in it, to no identity, or to several',
        },
        message: 'a token maps to nobody, so its call was refused',
      },
    ]);
    for (const part of stranger.split('.')) expect(JSON.stringify(lines)).not.toContain(part);
  });

  test.each([
    [
      'an issuer that is not configured',
      () => token('harness', { iss: 'https://other.example' }),
      /no such issuer/,
    ],
    [
      'a key that is not the issuer’s',
      async () => token('harness', {}, (await generateKeyPair('ES256')).privateKey),
      /^ERR_JWS/,
    ],
    [
      'an identity that the directory has not',
      () => token('left'),
      /no active identity for one of service\/left/,
    ],
    ['no token', async () => 'x.y.z', /cannot be read/],
  ])('%s', async (_, made, why) => {
    const { call, lines } = recogniser();
    const text = await made();
    expect(await call(text)).toBe(401);
    expect(lines).toEqual([
      expect.objectContaining({ details: expect.objectContaining({ why: expect.stringMatching(why) }) }),
    ]);
    expect(JSON.stringify(lines)).not.toContain(
      text.split('.')[2] === '' ? text : (text.split('.')[2] ?? text),
    );
  });

  test('the same one is a line a minute, and a flood of made-up ones is counted', async () => {
    const { call, lines, pass } = recogniser();
    for (let times = 0; times < 3; times += 1) await call(await token('stranger'));
    expect(lines).toHaveLength(1);
    const long = await token('x\n'.repeat(500));
    await call(long);
    const { subject } = lines[1]?.details as { subject: string };
    expect(subject.length).toBeLessThanOrEqual(200);
    expect(subject).not.toMatch(/\n/);
    for (let index = 0; index < 100; index += 1) await call(await token(`stranger-${index}`));
    expect(lines).toHaveLength(60);
    pass(61_000);
    await call(await token('stranger'));
    expect(lines.slice(60).map(({ details }) => details)).toEqual([
      { leftOut: 42 },
      expect.objectContaining({ subject: 'stranger' }),
    ]);
  });
});

describe('FRI-2 an evaluation that names nobody says which member is wrong', () => {
  test.each([
    ['robot', 'atlas', 'subject.type'],
    ['agent', 'At Las', 'subject.id'],
    ['agent', 'agent/atlas', 'subject.id'],
    ['agent', 'atlas', undefined],
    ['user', 'mira', undefined],
  ])('%s %s', (type, id, member) => {
    const names = new Names({ subjects: [], resources: [] });
    expect(names.wrongSubject(new Keyring(), { type, id })?.member).toBe(member);
  });
});
