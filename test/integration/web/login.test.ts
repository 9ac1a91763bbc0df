import { createHash, randomBytes } from 'node:crypto';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import type { AccessRequest } from '../../../src/domain/request';
import { EndedSessions } from '../../../src/gateway/auth/ended-sessions';
import { WRITE } from '../../support/harness-asks';
import { eventuallyTrue } from '../../support/harness-wait';
import { PageStack } from '../../support/pages';
import { Visiting } from '../../support/visiting';
import { Web } from '../gateway/support/http';

jest.setTimeout(120_000);

let stack: PageStack;
let web: Web;
let visiting: Visiting;
let request: AccessRequest;

beforeAll(async () => {
  stack = await PageStack.start(['person/mira', 'person/felix']);
  web = new Web(stack.origin);
  visiting = new Visiting(stack, web);
  request = await stack.harness.cast.ask(WRITE);
});
afterAll(() => stack?.stop());

/** What a program on a person's machine knows of its own login. */
function program() {
  const verifier = randomBytes(48).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  return { verifier, asked: { port: '40000', challenge, state: 'a-state-of-its-own' } };
}

/** Says yes on the page, and returns the address that the browser then goes to. */
async function said(session: string, asked: Readonly<Record<string, string>>) {
  const answer = await visiting.form('/login', session, asked);
  const refresh = String(answer.headers['refresh'] ?? '');
  return { answer, back: new URL(refresh.replace('0; url=', '') || 'about:blank') };
}

const redeem = (code: string, verifier: string) => web.call('/v1/login', { body: { code, verifier } });
const reading = (path: string, token: string) =>
  web.call(path, { headers: { authorization: `Bearer ${token}` } });

/** Logs in from the command line as the person of a session. */
async function tokenOf(session: string): Promise<string> {
  const { verifier, asked } = program();
  const { back } = await said(session, asked);
  return (await redeem(back.searchParams.get('code') ?? '', verifier)).json.token;
}

describe('WEB-4 who signed in in a browser reads from the command line without a key', () => {
  test('the answer goes to this machine alone, and the token shows what its person may see', async () => {
    const { verifier, asked } = program();
    const { back, answer } = await said(await visiting.session('person/mira'), asked);
    expect(answer.status).toBe(200);
    expect([back.origin, back.searchParams.get('state')]).toEqual(['http://127.0.0.1:40000', asked.state]);
    const redeemed = await redeem(back.searchParams.get('code') ?? '', verifier);
    expect(redeemed.json).toMatchObject({ person: 'person/mira' });
    const { token } = redeemed.json;
    expect((await reading(`/v1/requests/${request.id}/view`, token)).json).toMatchObject({
      proof: { holds: true },
    });
    await eventuallyTrue('it is listed', async () => {
      const { json } = await reading('/v1/requests?of=awaiting', token);
      return json.requests.some(({ id }: { id: string }) => id === request.id);
    });
    const felix = await tokenOf(await visiting.session('person/felix'));
    expect((await reading(`/v1/requests/${request.id}/view`, felix)).status).toBe(404);
  });

  test('it signs nothing, submits nothing and releases nothing', async () => {
    const token = await tokenOf(await visiting.session('person/mira'));
    const headers = { authorization: `Bearer ${token}` };
    const statement = await stack.harness.cast.sign('person/mira', 'approve', request);
    for (const [path, body] of [
      [`/v1/requests/${request.id}/statements`, statement],
      ['/v1/requests', {}],
      ['/v1/asks', {}],
      [`/v1/requests/${request.id}/end`, {}],
      ['/access/v1/evaluation', {}],
      ['/access/v1/requests', {}],
      ['/v1/execution-tokens', {}],
    ] as const) {
      const answer = await web.call(path, { body, headers });
      if (answer.status === 404 || answer.status === 405) throw new Error(`there is no ${path}`);
      expect([path, answer.status, answer.json.code]).toEqual([path, 403, 'WEAK_ASSURANCE']);
    }
    expect(await stack.harness.cast.view(request)).toMatchObject({ approvals: [] });
    expect((await visiting.get('/', `countersign-${new URL(stack.origin).port}=${token}`)).status).toBe(303);
  });

  test('a code is for the program that began, once, for a minute', async () => {
    const session = await visiting.session('person/mira');
    const [mine, thief] = [program(), program()];
    const { back } = await said(session, mine.asked);
    const code = back.searchParams.get('code') ?? '';
    expect((await redeem(code, thief.verifier)).status).toBe(422);
    expect((await redeem(`${code}x`, mine.verifier)).status).toBe(422);
    expect((await redeem(code, mine.verifier)).status).toBe(200);
    expect((await redeem(code, mine.verifier)).status).toBe(422);
    const late = program();
    const slow = (await said(session, late.asked)).back.searchParams.get('code') ?? '';
    stack.clock.offsetMs = 61_000;
    expect((await redeem(slow, late.verifier)).status).toBe(422);
    stack.clock.offsetMs = 0;
    const token = await tokenOf(session);
    for (const other of [token, session.split('=')[1] ?? ''])
      expect((await redeem(other, mine.verifier)).status).toBe(422);
    expect((await reading('/v1/requests', code)).status).toBe(401);
  });

  test('an address that is not this machine’s, and a page of another site, get no code', async () => {
    const session = await visiting.session('person/mira');
    const { asked } = program();
    for (const spoilt of [
      { ...asked, port: '80' },
      { ...asked, port: '40000@evil.example' },
      { ...asked, port: '65536' },
      { ...asked, challenge: 'short' },
      { ...asked, state: '"><script>' },
      { ...asked, more: 'x' },
    ]) {
      expect((await said(session, spoilt)).answer.status).toBe(400);
      expect((await visiting.get(`/login?${new URLSearchParams(spoilt)}`, session)).status).toBe(400);
    }
    const foreign = await visiting.form('/login', session, asked, { origin: 'https://evil.example' });
    expect([foreign.status, foreign.headers['refresh']]).toEqual([403, undefined]);
    expect((await said('', asked)).answer.status).toBe(401);
    const page = await visiting.get(`/login?${new URLSearchParams(asked)}`, session);
    expect(page.text).toContain(
      `${asked.challenge.slice(0, 4)}-${asked.challenge.slice(4, 8)}`.toUpperCase(),
    );
  });
});

describe('WEB-1 what is signed out is over at the server', () => {
  test('a copy of the session reads no more, here and after a restart', async () => {
    const [session, kept] = [await visiting.session('person/mira'), await visiting.session('person/mira')];
    expect((await visiting.get('/', session)).status).toBe(200);
    await visiting.form('/sign-out', session, {});
    expect((await visiting.get('/', session)).status).toBe(303);
    await stack.stopGateway();
    await stack.startGateway();
    expect((await visiting.get('/', session)).status).toBe(303);
    expect((await visiting.get('/', kept)).status).toBe(200);
  });

  test('so is a token of the command line, and when its person is disabled or its passkey retired', async () => {
    const session = await visiting.session('person/mira');
    const [token, other] = [await tokenOf(session), await tokenOf(session)];
    // Each was used a moment before, so the gateway has verified it.
    for (const one of [token, other]) expect((await reading('/v1/requests', one)).status).toBe(200);
    expect((await web.call('/v1/logout', { body: { token } })).json).toEqual({ ended: true });
    expect((await reading('/v1/requests', token)).status).toBe(401);
    expect((await web.call('/v1/logout', { body: { token: session } })).status).toBe(200);
    expect((await visiting.get('/', session)).status).toBe(200);
    const fresh = await tokenOf(session);
    expect((await reading('/v1/requests', fresh)).status).toBe(200);
    const { bundle } = stack.harness;
    const enable = bundle.set('directory.yaml', ['people', 'person/mira', 'enabled'], false);
    expect((await reading('/v1/requests', fresh)).status).toBe(401);
    enable();
    const restore = bundle.set('directory.yaml', ['people', 'person/mira', 'keys', 1, 'revoked'], true);
    expect((await reading('/v1/requests', other)).status).toBe(401);
    restore();
  });

  test('another gateway knows within a second; while the database is away, what was known goes on to count', async () => {
    const times = { nowMs: Date.now() };
    const on = (url: string) => new EndedSessions({ url, log: SILENT_LOGGER, nowMs: () => times.nowMs });
    const { url } = stack.harness.postgres;
    const [here, there, away] = [on(url), on(url), on('postgresql://127.0.0.1:1/none')];
    expect(await there.has('one')).toBe(false);
    expect(await here.end('one', times.nowMs + 60_000)).toBe(true);
    expect(await here.has('one')).toBe(true);
    times.nowMs += 1_001;
    expect(await there.has('one')).toBe(true);
    times.nowMs += 120_000;
    await here.end('two', times.nowMs + 60_000);
    const rows = await stack.harness.postgres.query('SELECT id FROM countersign.ended_session');
    expect(rows.map(({ id }) => id)).not.toContain('one');
    expect(await away.has('two')).toBe(false);
    expect(await away.end('two', times.nowMs)).toBe(false);
    expect(await away.has('two')).toBe(true);
    await Promise.all([here, there, away].map((one) => one.close()));
  });
});
