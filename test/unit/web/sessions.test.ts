import { decodeJwt } from 'jose';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { STATEMENT_TYPE } from '../../../src/contracts/statement';
import { readDirectory } from '../../../src/directory/read-directory';
import type { Ledger } from '../../../src/domain/precedents';
import { EndedSessions } from '../../../src/gateway/auth/ended-sessions';
import { type GatewayConfig, gatewayConfigSchema } from '../../../src/gateway/config';
import { GatewayKeys } from '../../../src/gateway/keys';
import { generateKey, importSigningKey } from '../../../src/signing/keys';
import { SeenOnce } from '../../../src/signing/seen';
import { SESSION_MS, Sessions, SIGN_IN_MS } from '../../../src/web/sessions';
import { type Ceremony, ORIGIN, SoftwarePasskey } from '../../support/signing/passkey';

const NOW = Date.parse('2026-11-29T12:00:00Z');
const [mira, tomas] = [new SoftwarePasskey(), new SoftwarePasskey()];

function directoryWith(miraSays = '', key: object = mira.registration) {
  const read = readDirectory(
    'directory.yaml',
    `people:
  person/mira: { name: Mira, keys: [${JSON.stringify(key)}]${miraSays} }
  person/tomas: { name: Tomas, keys: [${JSON.stringify(tomas.registration)}] }
`,
  );
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.value.directory;
}

interface World {
  nowMs: number;
  directory: ReturnType<typeof directoryWith>;
  signIn?: GatewayConfig['signIn'];
  counters?: Pick<Ledger, 'signed'>;
}

/** Gateways that share their keys, a clock, a directory and settings. */
async function gateways() {
  const world: World = { nowMs: NOW, directory: directoryWith() };
  const attestation = await importSigningKey((await generateKey()).privateJwkText, 'a key');
  if (!attestation.ok) throw new Error(attestation.message);
  const { privateJwkText } = await generateKey();
  const one = async (origin = ORIGIN) =>
    new Sessions({
      keys: await GatewayKeys.of(attestation.key, privateJwkText),
      origin,
      directory: async () => world.directory,
      nowMs: () => world.nowMs,
      signIn: world.signIn,
      counters: world.counters,
      used: new SeenOnce(10, () => world.nowMs),
      ended: new EndedSessions({ log: SILENT_LOGGER, nowMs: () => world.nowMs }),
    });
  return { world, one };
}

const signed = (claims: string, ceremony: Ceremony = {}, passkey = mira) =>
  passkey.sign({}, { claims, ...ceremony });

async function signIn(sessions: Sessions, ceremony: Ceremony = {}, passkey = mira) {
  const { claims, token } = await sessions.begin();
  return sessions.finish(token, signed(claims, ceremony, passkey));
}

async function sessionOf(sessions: Sessions): Promise<string> {
  const answer = await signIn(sessions);
  if (!answer.ok) throw new Error(answer.refusal.detail);
  return answer.value.session;
}

describe('WEB-1 a passkey signs a person in', () => {
  test('the session is theirs, at every gateway with the same key, for eight hours', async () => {
    const { world, one } = await gateways();
    const [first, second] = [await one(), await one()];
    const session = await sessionOf(first);
    expect(await second.visitor(session)).toMatchObject({
      person: 'person/mira',
      passkey: { keyId: mira.credentialId },
    });
    world.nowMs += SESSION_MS - 1_000;
    expect(await second.visitor(session)).toBeDefined();
    world.nowMs += 2_000;
    expect(await second.visitor(session)).toBeUndefined();
  });

  test('the session holds no secret', async () => {
    const { one } = await gateways();
    const names = Object.keys(decodeJwt(await sessionOf(await one())));
    expect(names.toSorted()).toEqual(['aud', 'exp', 'iat', 'iss', 'jti', 'kid', 'sub']);
  });
});

describe('WEB-2 what is no sign-in signs nobody in', () => {
  test.each<[string, Ceremony, string]>([
    ['without user verification', { flags: 0b001 }, 'WEAK_ASSURANCE'],
    ['on another origin', { origin: 'https://evil.example' }, 'BAD_SIGNATURE'],
    ['on another port', { origin: `${ORIGIN}:8443` }, 'BAD_SIGNATURE'],
    ['in a frame', { crossOrigin: true }, 'BAD_SIGNATURE'],
    ['with other claims signed', { challenged: '{}' }, 'BAD_SIGNATURE'],
  ])('%s', async (_what, ceremony, code) => {
    const { one } = await gateways();
    expect(await signIn(await one(), ceremony)).toMatchObject({ ok: false, refusal: { code } });
  });

  test('a key that is not registered, or is retired', async () => {
    const { world, one } = await gateways();
    const sessions = await one();
    expect(await signIn(sessions, {}, new SoftwarePasskey())).toMatchObject({
      refusal: { code: 'UNKNOWN_KEY' },
    });
    world.directory = directoryWith('', { ...mira.registration, revoked: true });
    expect(await signIn(sessions)).toMatchObject({ refusal: { code: 'UNKNOWN_KEY' } });
  });

  test('a signed statement is no sign-in, and a sign-in is no statement', async () => {
    const { one } = await gateways();
    const sessions = await one();
    const { claims, token } = await sessions.begin();
    const statement = mira.sign({ ...JSON.parse(claims), typ: STATEMENT_TYPE });
    expect(await sessions.finish(token, statement)).toMatchObject({ refusal: { code: 'MALFORMED' } });
  });

  test('the same sign-in twice, late, or ended in another browser', async () => {
    const { world, one } = await gateways();
    const sessions = await one();
    const { claims, token } = await sessions.begin();
    const envelope = signed(claims);
    const other = await sessions.begin();
    expect(await sessions.finish(undefined, envelope)).toMatchObject({
      refusal: { code: 'EXPIRED_STATEMENT' },
    });
    expect(await sessions.finish(other.token, envelope)).toMatchObject({
      refusal: { code: 'BAD_SIGNATURE' },
    });
    expect(await sessions.finish(token, envelope)).toMatchObject({ ok: true });
    expect(await sessions.finish(token, envelope)).toMatchObject({ refusal: { code: 'REPLAYED' } });
    world.nowMs += SIGN_IN_MS + 1_000;
    expect(await sessions.finish(other.token, signed(other.claims))).toMatchObject({
      refusal: { code: 'EXPIRED_STATEMENT' },
    });
  });

  test('a passkey whose signature counter went back, or cannot be looked up', async () => {
    const { world, one } = await gateways();
    const signed = jest.fn(async () => true);
    world.counters = { signed };
    const sessions = await one();
    expect(await signIn(sessions, { signCount: 9 })).toMatchObject({ ok: true });
    expect(signed.mock.calls).toEqual([[expect.objectContaining({ count: 9 }), NOW]]);
    signed.mockResolvedValue(false);
    const refusal = { code: 'BAD_SIGNATURE', detail: expect.stringContaining('signature counter went back') };
    expect(await signIn(sessions, { signCount: 9 })).toEqual({ ok: false, refusal });
    signed.mockRejectedValue(new Error('the ledger is away'));
    await expect(signIn(sessions, { signCount: 10 })).rejects.toMatchObject({ status: 503 });
  });

  test('a token for another purpose or by another gateway is no session', async () => {
    const { one } = await gateways();
    const sessions = await one();
    const stranger = await (await gateways()).one();
    const elsewhere = await one('https://other.example.com');
    const session = await sessionOf(sessions);
    for (const [at, token] of [
      [sessions, (await sessions.begin()).token],
      [stranger, session],
      [elsewhere, session],
      [sessions, `${session.slice(0, -4)}AAAA`],
      [sessions, 'nonsense'],
    ] as const)
      expect(await at.visitor(token)).toBeUndefined();
  });
});

describe('WEB-1 a session on the word of an identity provider', () => {
  const seen = { issuer: 'https://sso.example.com', subject: 'a1' };
  const settings = (people: object, issuer = seen.issuer) =>
    gatewayConfigSchema.parse({ signIn: { issuer, clientId: 'countersign', people } }).signIn;

  async function begun(people: object) {
    const { world, one } = await gateways();
    world.signIn = settings(people);
    const opened = await (await one()).open('person/mira', seen);
    if (!opened.ok) throw new Error(opened.refusal.detail);
    return { world, one, session: opened.value.session };
  }

  test('is for the person that the settings of today map to, and has no passkey', async () => {
    const { world, one, session } = await begun({ subjects: { a1: 'person/mira' } });
    expect(await (await one()).visitor(session)).toMatchObject({ person: 'person/mira', seen });
    expect((await (await one()).visitor(session))?.passkey).toBeUndefined();
    for (const signIn of [
      settings({ subjects: { a1: 'person/tomas' } }),
      settings({ subjects: {} }),
      settings({ claim: 'preferred_username' }, 'https://other.example.com'),
      undefined,
    ]) {
      world.signIn = signIn;
      expect(await (await one()).visitor(session)).toBeUndefined();
    }
  });

  test('is for people in good standing, when it begins and as long as it lasts', async () => {
    const { world, one, session } = await begun({ claim: 'preferred_username' });
    const sessions = await one();
    expect(await sessions.open('ci/payments', seen)).toMatchObject({
      refusal: { code: 'DISABLED_IDENTITY' },
    });
    world.directory = directoryWith(', enabled: false');
    expect(await sessions.open('person/mira', seen)).toMatchObject({
      refusal: { code: 'DISABLED_IDENTITY' },
    });
    expect(await sessions.visitor(session)).toBeUndefined();
  });
});

describe('WEB-3 a session ends with what it rests on', () => {
  test('whoever signs out ends every copy of the session, and no other session', async () => {
    const { one } = await gateways();
    const sessions = await one();
    const [left, kept] = [await sessionOf(sessions), await sessionOf(sessions)];
    await sessions.end(left);
    await sessions.end('nonsense');
    await sessions.end(undefined);
    expect(await sessions.visitor(left)).toBeUndefined();
    expect(await sessions.visitor(kept)).toBeDefined();
  });

  test('a disabled person neither signs in nor stays', async () => {
    const { world, one } = await gateways();
    const sessions = await one();
    const session = await sessionOf(sessions);
    world.directory = directoryWith(', enabled: false');
    expect(await sessions.visitor(session)).toBeUndefined();
    expect(await signIn(sessions)).toMatchObject({ refusal: { code: 'DISABLED_IDENTITY' } });
  });

  test('a retired passkey ends the sessions that it began', async () => {
    const { world, one } = await gateways();
    const sessions = await one();
    const session = await sessionOf(sessions);
    world.directory = directoryWith('', { ...mira.registration, revoked: true });
    expect(await sessions.visitor(session)).toBeUndefined();
  });

  test('a passkey that has become another person’s opens nothing of the first', async () => {
    const { world, one } = await gateways();
    const sessions = await one();
    const session = await sessionOf(sessions);
    const swapped = readDirectory(
      'directory.yaml',
      `people:\n  person/mira: { name: Mira }\n  person/tomas: { name: Tomas, keys: [${JSON.stringify(mira.registration)}] }\n`,
    );
    if (!swapped.ok) throw new Error('a bad directory');
    world.directory = swapped.value.directory;
    expect(await sessions.visitor(session)).toBeUndefined();
  });
});
