import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Hono } from 'hono';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { Authenticator } from '../../../src/gateway/auth/authenticate';
import { IssuerTokens } from '../../../src/gateway/auth/issuer-tokens';
import { HttpProblem } from '../../../src/gateway/http/problem';
import { DpopVerifier } from '../../../src/signing/dpop';

/* `/mcp` is a protected resource of its own (RFC 9728): a token for it is one for nothing else. */

const AUDIENCE = 'https://countersign.example';
const ISSUER = 'https://issuer.example';

let dir: string;
let call: (where: string, audience: string | readonly string[]) => Promise<number>;

beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'countersign-audiences-'));
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwksFile = path.join(dir, 'jwks.json');
  writeFileSync(jwksFile, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1' }] }));
  const issuer = {
    ...{
      kind: 'oauth' as const,
      issuer: ISSUER,
      audience: AUDIENCE,
      jwksFile,
      algorithms: ['ES256' as const],
    },
    identities: [{ principal: 'agent/atlas', claims: { sub: 'atlas' } }],
  };
  const verifiers = [new IssuerTokens(issuer, AUDIENCE)];
  const authenticator = new Authenticator(verifiers, new DpopVerifier(Date.now), AUDIENCE, async () => true);
  const app = new Hono();
  for (const where of ['/mcp', '/v1/requestable', '/mcp/more'])
    app.get(where, async (c) => c.text((await authenticator.authenticate(c)).principal));
  app.onError((error, c) => c.text(error.message, error instanceof HttpProblem ? 401 : 500));
  call = async (where, audience) => {
    const token = await new SignJWT({ sub: 'atlas' })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(ISSUER)
      .setAudience(typeof audience === 'string' ? audience : [...audience])
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
    return (await app.request(where, { headers: { authorization: `Bearer ${token}` } })).status;
  };
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('TTA-1 a token', () => {
  test.each([
    ['for the gateway', AUDIENCE, [200, 200]],
    ['for /mcp', `${AUDIENCE}/mcp`, [200, 401]],
    ['for both', [AUDIENCE, `${AUDIENCE}/mcp`], [200, 200]],
    ['for somebody else', 'https://other.example', [401, 401]],
    ['for what only begins like /mcp', `${AUDIENCE}/mcp/more`, [401, 401]],
  ])('%s', async (_what, audience, expected) => {
    expect([await call('/mcp', audience), await call('/v1/requestable', audience)]).toEqual(expected);
  });

  test('for /mcp is not one for an address below it', async () => {
    expect(await call('/mcp/more', `${AUDIENCE}/mcp`)).toBe(401);
  });
});
