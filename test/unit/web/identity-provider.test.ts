import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { gatewayConfigSchema } from '../../../src/gateway/config';
import { GatewayKeys } from '../../../src/gateway/keys';
import { generateKey, importSigningKey } from '../../../src/signing/keys';
import { SeenOnce } from '../../../src/signing/seen';
import { IdentityProvider, PROVIDER_MS } from '../../../src/web/identity-provider';
import { LyingProvider, type Told } from '../../support/lying-provider';

const ORIGIN = 'https://access.example.com';
const RETURN = `${ORIGIN}/sign-in/return`;

let provider: LyingProvider;
let keys: GatewayKeys;
let clockMs = 0;

beforeAll(async () => {
  provider = await LyingProvider.start();
  const attestation = await importSigningKey((await generateKey()).privateJwkText, 'a key');
  if (!attestation.ok) throw new Error(attestation.message);
  keys = await GatewayKeys.of(attestation.key, (await generateKey()).privateJwkText);
});
beforeEach(() => {
  clockMs = 0;
  provider.tells = (claims) => ({ claims });
});
afterAll(() => provider?.stop());

const settings = (more: object = {}) => {
  const { signIn } = gatewayConfigSchema.parse({
    signIn: {
      issuer: provider.issuer,
      clientId: 'countersign',
      people: { claim: 'preferred_username' },
      ...more,
    },
  });
  if (signIn === undefined) throw new Error('no settings');
  return signIn;
};

const client = (more: object = {}) =>
  new IdentityProvider({
    ...{ config: settings(more), keys, origin: ORIGIN, log: SILENT_LOGGER },
    nowMs: () => Date.now() + clockMs,
    used: new SeenOnce(10, () => Date.now() + clockMs),
  });

/** Begins an attempt, and makes the address that an honest provider would send the browser back to. */
async function begun(ours: IdentityProvider, to = '/requests/abcdefgh-1') {
  const { address, token } = await ours.begin(to, RETURN);
  provider.asked = new URL(address).searchParams;
  const returned = new URL(RETURN);
  returned.searchParams.set('code', 'the-code');
  returned.searchParams.set('state', provider.asked.get('state') ?? '');
  returned.searchParams.set('iss', provider.issuer);
  return { token, returned };
}

async function codeOf(ours: IdentityProvider, token: string | undefined, returned: URL): Promise<string> {
  const answer = await ours.finish(token, returned);
  return answer.ok ? answer.value.person : answer.refusal.code;
}

describe('WEB-1 an honest provider signs a person in', () => {
  test('by the code flow with PKCE, and they are back at the page that they came for', async () => {
    const ours = client();
    const { token, returned } = await begun(ours);
    expect(Object.fromEntries(provider.asked)).toMatchObject({
      ...{
        response_type: 'code',
        code_challenge_method: 'S256',
        redirect_uri: RETURN,
        client_id: 'countersign',
      },
      scope: 'openid profile',
    });
    expect(await ours.finish(token, returned)).toEqual({
      ok: true,
      value: {
        person: 'person/mira',
        seen: { issuer: provider.issuer, subject: 'mira-at-the-provider' },
        to: '/requests/abcdefgh-1',
      },
    });
    const verifier = provider.redeemed.at(-1)?.get('code_verifier') ?? '';
    expect(verifier.length).toBeGreaterThanOrEqual(43);
    expect(`${token} ${provider.asked}`).not.toContain(verifier);
  });

  test('at every gateway with the same keys, and a client’s secret comes from its file', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'countersign-provider-'));
    const file = path.join(dir, 'secret');
    expect(() => client({ clientSecretFile: file })).toThrow(/needs the client's secret/);
    writeFileSync(file, 'a client secret\n');
    const [first, second] = [client({ clientSecretFile: file }), client({ clientSecretFile: file })];
    const { token, returned } = await begun(first);
    expect(await codeOf(second, token, returned)).toBe('person/mira');
    rmSync(dir, { recursive: true });
  });

  test('a table of subjects says who is who, and somebody who is not in it is nobody', async () => {
    const people = { subjects: { 'mira-at-the-provider': 'person/tomas' } };
    const ours = client({ people });
    const { token, returned } = await begun(ours);
    expect(await codeOf(ours, token, returned)).toBe('person/tomas');
    provider.tells = (claims) => ({ claims: { ...claims, sub: 'of somebody else' } });
    const again = await begun(ours);
    expect(await codeOf(ours, again.token, again.returned)).toBe('NOT_ELIGIBLE');
  });

  test.each<[string, object]>([
    ['an issuer over plain http', { issuer: 'http://sso.example.com' }],
    ['a machine in the table', { people: { subjects: { x: 'ci/payments' } } }],
    ['no word about who is who', { people: {} }],
    ['a scope without openid', { scope: 'profile' }],
    ['an unknown word', { responseType: 'token' }],
  ])('settings with %s are refused', (_what, more) => {
    expect(() => settings(more)).toThrow();
  });
});

describe('WEB-1 a provider that lies, or somebody in between, signs nobody in', () => {
  const now = () => Math.floor(Date.now() / 1_000);
  const unsigned = (claims: object) =>
    [{ alg: 'none' }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');

  test.each<[string, (honest: Readonly<Record<string, unknown>>) => Told, string]>([
    [
      'the nonce of another attempt',
      (claims) => ({ claims: { ...claims, nonce: 'another' } }),
      'BAD_SIGNATURE',
    ],
    ['no nonce', ({ nonce: _none, ...claims }) => ({ claims }), 'BAD_SIGNATURE'],
    ['a token for another client', (claims) => ({ claims: { ...claims, aud: 'other' } }), 'BAD_SIGNATURE'],
    ['another issuer', (claims) => ({ claims: { ...claims, iss: 'https://evil.example' } }), 'BAD_SIGNATURE'],
    ['a token that has expired', (claims) => ({ claims: { ...claims, exp: now() - 120 } }), 'BAD_SIGNATURE'],
    ['the signature of a stranger', (claims) => ({ claims, byStranger: true }), 'BAD_SIGNATURE'],
    ['no signature', (claims) => ({ claims, raw: `${unsigned(claims)}.` }), 'BAD_SIGNATURE'],
    ['no subject', ({ sub: _none, ...claims }) => ({ claims }), 'BAD_SIGNATURE'],
    [
      'a name that is no person',
      (claims) => ({ claims: { ...claims, preferred_username: 'mira/../x' } }),
      'NOT_ELIGIBLE',
    ],
    ['no name', ({ preferred_username: _none, ...claims }) => ({ claims }), 'NOT_ELIGIBLE'],
  ])('%s', async (_what, tells, code) => {
    const ours = client();
    const { token, returned } = await begun(ours);
    provider.tells = tells;
    expect(await codeOf(ours, token, returned)).toBe(code);
  });

  test.each<[string, (returned: URL) => void]>([
    ['another provider answers (mix-up)', (url) => url.searchParams.set('iss', 'https://evil.example')],
    ['nobody says which provider answers', (url) => url.searchParams.delete('iss')],
    ['another state', (url) => url.searchParams.set('state', 'x'.repeat(32))],
    ['no state', (url) => url.searchParams.delete('state')],
    ['no code', (url) => url.searchParams.delete('code')],
    ['a state twice', (url) => url.searchParams.append('state', 'x')],
    ['a token in the address', (url) => url.searchParams.set('id_token', 'a.b.c')],
    ['a refusal', (url) => url.searchParams.set('error', 'access_denied')],
  ])('%s', async (_what, spoil) => {
    const ours = client();
    const { token, returned } = await begun(ours);
    const before = provider.redeemed.length;
    spoil(returned);
    expect(await codeOf(ours, token, returned)).toBe('BAD_SIGNATURE');
    expect(provider.redeemed.length).toBe(before);
  });

  test('one browser cannot end what another began, nor the same one twice, nor one too late', async () => {
    const ours = client();
    const [victim, attacker] = [await begun(ours), await begun(ours)];
    expect(await codeOf(ours, undefined, attacker.returned)).toBe('EXPIRED_STATEMENT');
    expect(await codeOf(ours, victim.token, attacker.returned)).toBe('BAD_SIGNATURE');
    expect(await codeOf(ours, `${victim.token}x`, victim.returned)).toBe('EXPIRED_STATEMENT');
    expect(await codeOf(ours, attacker.token, attacker.returned)).toBe('person/mira');
    expect(await codeOf(ours, attacker.token, attacker.returned)).toBe('REPLAYED');
    const late = await begun(ours);
    clockMs = PROVIDER_MS + 1_000;
    expect(await codeOf(ours, late.token, late.returned)).toBe('EXPIRED_STATEMENT');
  });

  test('a provider that is away says so, and is asked again the next time', async () => {
    const away = client({ issuer: 'http://127.0.0.1:1' });
    for (let tries = 0; tries < 2; tries += 1)
      await expect(away.begin('/', RETURN)).rejects.toMatchObject({ status: 503 });
  });
});
