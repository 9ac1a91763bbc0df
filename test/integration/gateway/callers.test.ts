import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { HolderKey } from '../../../src/enforcement';
import { BundleFolder } from '../../support/harness-bundle';
import { eventuallyTrue } from '../../support/harness-wait';
import { DecisionGateway } from './support/decision-gateway';
import { Issuer } from './support/issuer';

/* Who calls, and how the gateway knows (TTA-1, TTA-2, FRI-2). */

jest.setTimeout(60_000);

const FIXTURE = path.resolve(__dirname, '../../fixtures/authzen-certification');
const AUDIENCE = 'https://countersign.example';
const GITHUB = 'https://token.actions.githubusercontent.com';
const QUESTION = {
  subject: { type: 'user', id: 'alice' },
  action: { name: 'read' },
  resource: { type: 'record', id: 'record-1' },
};
const GITHUB_BY_ID = 'https://actions.enterprise.example';
const REPOSITORY = { repository: 'acme/payments', ref: 'refs/heads/main' };

let gateway: DecisionGateway;
let issuer: Issuer;
let jwks: Server;
let keyServed: JWK[];
let signer: CryptoKey;
let fetched = 0;

beforeAll(async () => {
  const pair = await generateKeyPair('RS256', { extractable: true });
  signer = pair.privateKey;
  keyServed = [{ ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }];
  jwks = createServer((_request, response) => {
    fetched += 1;
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: keyServed }));
  });
  await new Promise<void>((resolve) => jwks.listen(0, '127.0.0.1', resolve));
  const jwksUri = `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/keys`;
  issuer = await Issuer.start(AUDIENCE, ['harness', 'nobody']);
  const common = { audience: AUDIENCE, jwksUri, algorithms: ['RS256'] };
  const harness = (claims: object) => [{ principal: 'service/harness', claims }];
  gateway = await DecisionGateway.start(FIXTURE, ['service/harness', 'person/alice'], () => ({
    enforcementPoints: ['service/harness'],
    limits: { reading: { perSecond: 0.1, burst: 20 }, unauthenticated: { perSecond: 0.1, burst: 400 } },
    issuers: [
      {
        kind: 'oauth',
        issuer: issuer.url,
        jwksUri: `${issuer.url}/jwks`,
        audience: AUDIENCE,
        identities: harness({ sub: 'harness' }),
      },
      { kind: 'github-actions', issuer: GITHUB, ...common, identities: harness(REPOSITORY) },
      {
        kind: 'github-actions',
        issuer: GITHUB_BY_ID,
        ...common,
        // A number, as somebody writes it in YAML without quotes. The token has it as text.
        identities: harness({ repository_id: 649351211, repository_owner_id: '65', ref: 'refs/heads/main' }),
      },
      {
        kind: 'spiffe',
        issuer: 'spiffe://acme.example',
        ...common,
        identities: harness({ sub: 'spiffe://acme.example/ns/payments/sa/harness' }),
      },
      {
        kind: 'oauth',
        issuer: 'https://sts.example',
        ...common,
        identities: [
          { principal: 'service/harness', claims: { sub: 'harness' } },
          { principal: 'person/alice', claims: { sub: 'alice' } },
        ],
      },
    ],
  }));
});
afterAll(async () => {
  await gateway?.stop();
  await issuer?.stop();
  jwks?.close();
});

const ask = (headers: Record<string, string>) =>
  gateway.web.call('/access/v1/evaluation', { body: QUESTION, headers });
const bearer = async (token: string): Promise<number> =>
  (await ask({ authorization: `Bearer ${token}` })).status;

const now = () => Math.floor(Date.now() / 1_000);

function signed(
  claims: JWTPayload,
  header: Record<string, unknown> = {},
  key: CryptoKey | Uint8Array = signer,
): Promise<string> {
  return new SignJWT({ aud: AUDIENCE, iat: now(), exp: now() + 300, jti: randomUUID(), ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: 'k1', ...header })
    .sign(key);
}
const workflow = (claims: JWTPayload = {}, header = {}, key?: CryptoKey | Uint8Array) =>
  signed(
    { iss: GITHUB, sub: 'repo:acme/payments:ref:refs/heads/main', ...REPOSITORY, ...claims },
    header,
    key,
  );

describe('access tokens of an OpenID provider', () => {
  it('are taken from clients that are known, and from no others', async () => {
    expect(await bearer(await issuer.token('harness'))).toBe(200);
    expect(await bearer(await issuer.token('nobody'))).toBe(401);
  });

  it('are worth nothing without the key they are bound to', async () => {
    const key = await HolderKey.make();
    const token = await issuer.token('harness', key);
    const url = `${gateway.web.base}/access/v1/evaluation`;
    expect(await bearer(token)).toBe(401);
    // RFC 9449 section 7.2: a bound token that comes as a bearer token is refused, even beside a good proof.
    const beside = { authorization: `Bearer ${token}`, dpop: await key.proof('POST', url, token) };
    const downgraded = await ask(beside);
    expect(downgraded.status).toBe(401);
    expect(downgraded.headers['www-authenticate']).toMatch(/^DPoP .*algs="ES256 .*error="invalid_token"/);
    const proof = await key.proof('POST', url, token);
    expect((await ask({ authorization: `DPoP ${token}`, dpop: proof })).status).toBe(200);
    // The proof counts once, for this call, by this key.
    expect((await ask({ authorization: `DPoP ${token}`, dpop: proof })).status).toBe(401);
    const thief = await HolderKey.make();
    for (const bad of [
      await thief.proof('POST', url, token),
      await key.proof('GET', url, token),
      await key.proof('POST', `${gateway.web.base}/v1/awaiting`, token),
      await key.proof('POST', url, 'another'),
    ]) {
      const answer = await ask({ authorization: `DPoP ${token}`, dpop: bad });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toMatch(/^DPoP .*error="invalid_dpop_proof"/);
    }
  });

  it('a token that is not bound cannot be made to look so', async () => {
    const key = await HolderKey.make();
    const token = await issuer.token('harness');
    const dpop = await key.proof('POST', `${gateway.web.base}/access/v1/evaluation`, token);
    expect((await ask({ authorization: `DPoP ${token}`, dpop })).status).toBe(401);
  });
});

describe('workload tokens', () => {
  it('TTA-1 of a repository by its id, which a repository that is made again under its name does not have', async () => {
    const ids = { repository_id: '649351211', repository_owner_id: '65' };
    const tokenOf = (claims: JWTPayload) => workflow({ iss: GITHUB_BY_ID, ...ids, ...claims });
    expect(await bearer(await tokenOf({}))).toBe(200);
    // Renamed, it is the same repository.
    expect(await bearer(await tokenOf({ repository: 'acme/payments-service' }))).toBe(200);
    for (const again of [
      { repository_id: '999999999' },
      { repository_owner_id: '66' },
      { repository_id: 649351211 },
      { ref: 'refs/heads/feature' },
    ])
      expect(await bearer(await tokenOf(again))).toBe(401);
    // By its name alone it would be the same: this is what the gateway warns of.
    expect(await bearer(await workflow({ repository_id: '999999999' }))).toBe(200);
    const atStart = gateway.warnings.filter((one) => one.includes('names alone'));
    expect(atStart).toEqual([expect.stringContaining('issuers[1].identities[0]')]);
  });

  it('of GitHub Actions, for the very repository and branch', async () => {
    expect(await bearer(await workflow())).toBe(200);
    for (const claims of [
      { repository: 'acme/other' },
      { ref: 'refs/heads/attack' },
      { repository: undefined },
      { iss: 'https://token.actions.githubusercontent.com/' },
      { aud: 'https://other.example' },
      { aud: undefined },
    ])
      expect(await bearer(await workflow(claims as JWTPayload))).toBe(401);
  });

  it('of SPIFFE, for the very workload and trust domain', async () => {
    const svid = (sub: string, claims: JWTPayload = {}) => signed({ sub, ...claims }, { typ: 'JWT' });
    expect(await bearer(await svid('spiffe://acme.example/ns/payments/sa/harness'))).toBe(200);
    for (const sub of [
      'spiffe://acme.example/ns/payments/sa/harness2',
      'spiffe://acme.example.evil/ns/payments/sa/harness',
      'spiffe://acme.example',
    ])
      expect(await bearer(await svid(sub))).toBe(401);
    const elsewhere = await svid('spiffe://acme.example/ns/payments/sa/harness', { aud: 'other' });
    expect(await bearer(elsewhere)).toBe(401);
  });

  it('of a delegation, whose every link is known', async () => {
    const delegated = (act: object) => signed({ iss: 'https://sts.example', sub: 'alice', act });
    expect(await bearer(await delegated({ sub: 'harness' }))).toBe(200);
    expect(await bearer(await delegated({ sub: 'stranger' }))).toBe(401);
    expect(await bearer(await delegated({ sub: 'harness', act: { sub: 'stranger' } }))).toBe(401);
    expect(await bearer(await delegated({ sub: 'harness', iss: 'https://other.example' }))).toBe(401);
    let chain: object = { sub: 'harness' };
    for (let links = 0; links < 12; links += 1) chain = { sub: 'harness', act: chain };
    expect(await bearer(await delegated(chain))).toBe(401);
  });
});

describe('tokens that are not what they seem', () => {
  it('time is forgiven a minute, to either side, and no more', async () => {
    expect(await bearer(await workflow({ exp: now() - 45 }))).toBe(200);
    expect(await bearer(await workflow({ exp: now() - 75 }))).toBe(401);
    expect(await bearer(await workflow({ iat: now() + 45 }))).toBe(200);
    expect(await bearer(await workflow({ iat: now() + 75 }))).toBe(401);
    expect(await bearer(await workflow({ nbf: now() + 45 }))).toBe(200);
    expect(await bearer(await workflow({ nbf: now() + 75 }))).toBe(401);
    expect(await bearer(await workflow({ exp: now() + 90_000 }))).toBe(401);
    expect(await bearer(await workflow({ exp: undefined } as unknown as JWTPayload))).toBe(401);
  });

  it('no other algorithm, no other key, no key or address of its own', async () => {
    const other = await generateKeyPair('RS256');
    const publicText = new TextEncoder().encode(JSON.stringify(keyServed[0]));
    const asEs = await generateKeyPair('ES256');
    const body = (await workflow()).split('.')[1] ?? '';
    const head = (header: object) => Buffer.from(JSON.stringify(header)).toString('base64url');
    for (const token of [
      await workflow({}, {}, other.privateKey),
      await workflow({}, { alg: 'HS256' }, publicText),
      await workflow({}, { alg: 'ES256' }, asEs.privateKey),
      await workflow({}, { jwk: await exportJWK(other.publicKey) }, other.privateKey),
      await workflow({}, { jku: 'http://127.0.0.1:1/keys' }, other.privateKey),
      await workflow({}, { kid: "k1' OR 1=1 --" }),
      await workflow({}, { kid: '../../../dev/null' }),
      await workflow({}, { typ: 'dpop+jwt' }),
      await workflow({}, { typ: 'countersign-execution+jwt' }),
      await workflow({}, { crit: ['exp'], exp: 1 } as object).catch(() => 'refused.to.sign'),
      `${head({ alg: 'none' })}.${body}.`,
      `${head({ alg: 'RS256', kid: 'k1' })}.${body}.`,
      'x'.repeat(10_000),
      'not a token',
    ])
      expect(await bearer(token)).toBe(401);
  });

  it('an unknown key id makes it look again, and not on every call', async () => {
    const next = await generateKeyPair('RS256', { extractable: true });
    const rotated = () => workflow({}, { kid: 'k2' }, next.privateKey);
    expect(await bearer(await rotated())).toBe(401);
    const before = fetched;
    for (let times = 0; times < 20; times += 1) expect(await bearer(await rotated())).toBe(401);
    // Once in ten seconds at most; a slow machine may need more than one such span for twenty calls.
    expect(fetched - before).toBeLessThan(10);
  });

  it('says what is missing, and nothing else', async () => {
    const answer = await ask({});
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer realm="countersign", DPoP realm="countersign", algs="ES256 Ed25519 EdDSA"',
    );
    expect((await ask({ authorization: 'Basic eDp5' })).status).toBe(401);
    const bad = await ask({ authorization: 'Bearer a.b.c' });
    expect(bad.headers['www-authenticate']).toMatch(/error="invalid_token"/);
    expect(bad.text).not.toMatch(/kid|issuer|alg/);
  });
});

describe('tokens that identities sign for themselves', () => {
  it('are for this gateway, short-lived, and by their own key', async () => {
    expect(await bearer(await gateway.token('service/harness'))).toBe(200);
    for (const changes of [
      { aud: 'https://other.example' },
      { sub: 'person/alice', iss: 'person/alice' },
      { sub: 'person/alice' },
      { exp: now() + 3_600 },
      { exp: now() - 75, iat: now() - 300 },
      { iat: now() + 75 },
    ])
      expect(await bearer(await gateway.token('service/harness', changes))).toBe(401);
  });
});

describe('TTA-6 tokens of someone whom the directory has disabled', () => {
  it('are nobody’s, at once, and whatever the issuer says', async () => {
    const issued = await issuer.token('harness');
    const delegated = await signed({ iss: 'https://sts.example', sub: 'alice', act: { sub: 'harness' } });
    const own = await gateway.token('service/harness');
    const alices = await gateway.token('person/alice');
    expect(await Promise.all([issued, delegated, own, alices].map(bearer))).toEqual([200, 200, 200, 200]);
    const folder = new BundleFolder(path.join(gateway.dir, 'bundle'));
    const disable = (...who: string[]) => folder.set('directory.yaml', [...who, 'enabled'], false);
    const enable = disable('identities', 'service/harness');
    await eventuallyTrue('the issued token is refused', async () => (await bearer(issued)) === 401);
    expect(await Promise.all([issued, delegated, own, alices].map(bearer))).toEqual([401, 401, 401, 200]);
    enable();
    await eventuallyTrue('it is believed again', async () => (await bearer(issued)) === 200);
    const enableAlice = disable('people', 'person/alice');
    await eventuallyTrue('alice is refused', async () => (await bearer(alices)) === 401);
    // Whoever acts for someone who is nobody any more, neither.
    expect(await Promise.all([issued, delegated].map(bearer))).toEqual([200, 401]);
    enableAlice();
    await eventuallyTrue('alice is believed again', async () => (await bearer(alices)) === 200);
  });
});

describe('limits', () => {
  it('slow down whoever cannot say who they are, and nobody else; and each caller for itself', async () => {
    const { limiter, config } = gateway.gateway;
    const good = await gateway.token('service/harness');
    const { burst } = config.limits.unauthenticated;
    for (let calls = 0; calls < burst; calls += 1)
      try {
        limiter.take('127.0.0.1', 'unauthenticated', { perSecond: 0.1, burst });
      } catch {
        break;
      }
    const refused = await Promise.all(Array.from({ length: 3 }, () => bearer('not.a.token')));
    expect(refused).toContain(429);
    expect(await bearer(good)).toBe(200);
    const search = { subject: { type: 'user' }, action: { name: 'read' }, resource: QUESTION.resource };
    const answers = await Promise.all(
      Array.from({ length: config.limits.reading.burst + 10 }, () =>
        gateway.web.call('/access/v1/search/subject', {
          body: search,
          headers: { authorization: `Bearer ${good}` },
        }),
      ),
    );
    const slowed = answers.find(({ status }) => status === 429);
    expect(slowed?.headers['retry-after']).toMatch(/^\d+$/);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(
      config.limits.reading.burst,
    );
    expect(await bearer(good)).toBe(200);
    expect(await bearer(await gateway.token('person/alice'))).toBe(200);
  });
});
