import canonicalize from 'canonicalize';
import { STATEMENT_TYPE } from '../../../src/contracts/statement';
import { requestDigest } from '../../../src/domain/digest';
import type { AccessRequest, WebauthnEnvelope } from '../../../src/domain/request';
import { signInvitation } from '../../../src/signing/enrolment';
import { ROTATE, WRITE } from '../../support/harness-asks';
import { eventuallyTrue } from '../../support/harness-wait';
import { PageStack } from '../../support/pages';
import { redeem } from '../../support/signing/enrolment';
import { type Ceremony, SoftwarePasskey } from '../../support/signing/passkey';
import { type Answer, type Call, Web } from '../gateway/support/http';

jest.setTimeout(120_000);

let stack: PageStack;
let web: Web;

beforeAll(async () => {
  // A provider that nobody asks in these tests, so that its routes are there.
  const signIn = { issuer: 'http://127.0.0.1:1', clientId: 'countersign', people: { claim: 'name' } };
  stack = await PageStack.start(['person/mira', 'person/tomas', 'person/felix', 'person/nadia'], () => ({
    signIn,
  }));
  web = new Web(stack.origin);
});
afterAll(() => stack?.stop());

/** What a browser sends with a form or a script of our own page. */
const ours = () => ({ origin: stack.origin, 'sec-fetch-site': 'same-origin' });
const cookiesOf = ({ headers }: Answer): readonly string[] => [headers['set-cookie'] ?? []].flat();
const pairOf = (cookie = ''): string => cookie.split(';')[0] ?? '';
const here = (): Ceremony => ({ origin: stack.origin, rpId: 'localhost' });

async function begin() {
  const answer = await web.call('/sign-in/begin', { body: {}, headers: ours() });
  return { claims: String(answer.json.claims), cookie: pairOf(cookiesOf(answer)[0]) };
}

const finish = (cookie: string, envelope: WebauthnEnvelope, headers = ours()) =>
  web.call('/sign-in', { body: envelope, headers: { ...headers, cookie } });

/** Signs in and returns the session's cookie. */
async function sessionOf(person: string): Promise<string> {
  const { claims, cookie } = await begin();
  const answer = await finish(cookie, stack.passkey(person).sign({}, { claims, ...here() }));
  expect(answer.status).toBe(200);
  return pairOf(cookiesOf(answer).find((one) => !/=;/.test(one)));
}

const get = (path: string, cookie = '', headers: Call['headers'] = {}) =>
  web.call(path, { headers: { accept: 'text/html', cookie, ...headers } });

const say = (cookie: string, id: string, body: unknown, headers: Call['headers'] = ours()) =>
  web.call(`/requests/${id}/statements`, { body, headers: { ...headers, cookie } });

let said = 0;
function claimsFor(request: AccessRequest, more: object = {}) {
  const iat = Math.floor(Date.now() / 1_000);
  said += 1;
  return {
    ...{ typ: STATEMENT_TYPE, iss: 'person/mira', jti: `page-${said}`, iat, exp: iat + 600, verb: 'approve' },
    ...{ request: request.id, digest: requestDigest(request), revision: 0, stage: 'owner' },
    ...more,
  };
}

async function revisionOf(request: AccessRequest): Promise<number> {
  return (await stack.harness.cast.view(request)).revision;
}

describe('WEB-2, WEB-6 what a page takes is signed for exactly this, here and now', () => {
  let request: AccessRequest;
  let other: AccessRequest;
  let session: string;
  beforeAll(async () => {
    [request, other] = [await stack.harness.cast.ask(WRITE), await stack.harness.cast.ask(WRITE)];
    session = await sessionOf('person/mira');
  });

  const attempt = async (change: object, ceremony: Ceremony, passkey = stack.passkey('person/mira')) => {
    const revision = await revisionOf(request);
    const signed = passkey.sign(claimsFor(request, { revision, ...change }), { ...here(), ...ceremony });
    const answer = await say(session, request.id, signed);
    return answer.json.refusal?.code ?? answer.status;
  };

  test.each<[string, object, Ceremony, string]>([
    ['another revision', { revision: 40 }, {}, 'STALE_PATH'],
    ['another digest', { digest: `sha-256:${'A'.repeat(43)}` }, {}, 'DIGEST_MISMATCH'],
    ['another origin', {}, { origin: 'https://evil.example' }, 'BAD_SIGNATURE'],
    ['127.0.0.1 in place of localhost', {}, { origin: 'http://127.0.0.1:8080' }, 'BAD_SIGNATURE'],
    ['another port', {}, { origin: 'http://localhost:1' }, 'BAD_SIGNATURE'],
    ['another RP id', {}, { rpId: 'evil.example' }, 'BAD_SIGNATURE'],
    ['a frame of another site', {}, { crossOrigin: true }, 'BAD_SIGNATURE'],
    ['no user verification', {}, { flags: 0b001 }, 'WEAK_ASSURANCE'],
    ['the name of somebody else', { iss: 'person/tomas' }, {}, 'BAD_SIGNATURE'],
    ['a sign-in', { typ: 'countersign-sign-in+jwt' }, {}, 'MALFORMED'],
    ['claims that nobody knows', { admin: true }, {}, 'MALFORMED'],
  ])('%s is refused', async (_what, change, ceremony, code) => {
    expect(await attempt(change, ceremony)).toBe(code);
  });

  test('another request, claims that are not canonical, and claims with a member twice', async () => {
    const passkey = stack.passkey('person/mira');
    const forOther = passkey.sign(claimsFor(other, { revision: await revisionOf(other) }), here());
    expect((await say(session, request.id, forOther)).json.refusal.code).toBe('DIGEST_MISMATCH');
    const claims = claimsFor(request, { revision: await revisionOf(request) });
    const text = canonicalize(claims) ?? '';
    for (const spoilt of [`${text} `, text.replace('{', '{"verb":"deny",')]) {
      const answer = await say(session, request.id, passkey.sign({}, { ...here(), claims: spoilt }));
      expect(answer.json.refusal.code).toBe('MALFORMED');
    }
  });

  test('a key that nobody registered, and a JWS by a key that somebody did', async () => {
    expect(await attempt({}, {}, new SoftwarePasskey())).toBe('UNKNOWN_KEY');
    const jws = await stack.harness.cast.sign('person/mira', 'approve', request);
    expect((await say(session, request.id, jws)).status).toBe(400);
  });

  test('a counter that went backwards: a copy of the passkey signs in, decides and asks no more', async () => {
    const [signer, tomas] = [stack.passkey('person/tomas'), await sessionOf('person/tomas')];
    const approve = async (signCount: number) => {
      const claims = claimsFor(request, { iss: 'person/tomas', revision: 40 });
      const answer = await say(tomas, request.id, signer.sign(claims, { ...here(), signCount }));
      return answer.json.refusal;
    };
    const copied = { code: 'BAD_SIGNATURE', detail: expect.stringContaining('signature counter went back') };
    expect(await approve(70)).toMatchObject({ code: 'STALE_PATH' });
    expect(await approve(70)).toEqual(copied);
    // Two tabs at once: the earlier signature arrives later, and is no copy.
    expect(await approve(69)).toMatchObject({ code: 'STALE_PATH' });
    await stack.harness.postgres.query('UPDATE countersign.signature_count SET at_ms = at_ms - 600001');
    expect(await approve(68)).toEqual(copied);
    expect(await approve(0)).toEqual(copied);
    const { claims, cookie } = await begin();
    const answer = await finish(cookie, signer.sign({}, { claims, ...here(), signCount: 68 }));
    expect([answer.status, answer.json]).toMatchObject([403, copied]);
    expect(await approve(71)).toMatchObject({ code: 'STALE_PATH' });
    // As its owner would: the other tests sign with another key.
    stack.register('person/tomas');
  });

  test('nothing of this counted; the genuine one does, and once', async () => {
    expect(await stack.harness.cast.view(request)).toMatchObject({
      status: 'awaiting_approval',
      approvals: [],
    });
    const signed = stack
      .passkey('person/mira')
      .sign(claimsFor(request, { revision: await revisionOf(request) }), here());
    expect((await say(session, request.id, signed)).json).toMatchObject({ accepted: true });
    expect((await say(session, request.id, signed)).json.refusal.code).toBe('REPLAYED');
  });
});

describe('WEB-6 other sites can only link here', () => {
  test('no form and no script of ours takes anything that another site sends', async () => {
    const session = await sessionOf('person/mira');
    expect(stack.posts).toEqual(
      expect.arrayContaining([
        ...['/sign-in/begin', '/sign-in', '/sign-out', '/login', '/ask', '/ask/submit', '/enrol/keys'],
        '/requests/abcdefgh-1/statements',
      ]),
    );
    for (const headers of [
      {},
      { origin: 'null' },
      { origin: 'null', 'sec-fetch-site': 'cross-site' },
      { origin: 'null', 'sec-fetch-site': 'none' },
      { origin: 'https://evil.example' },
      { origin: 'http://127.0.0.1:8080' },
      { origin: stack.origin, 'sec-fetch-site': 'cross-site' },
      { origin: stack.origin, 'sec-fetch-site': 'same-site' },
    ]) {
      for (const path of stack.posts) {
        const answer = await web.call(path, { body: {}, headers: { ...headers, cookie: session } });
        expect([path, headers, answer.status]).toEqual([path, headers, 403]);
        expect(cookiesOf(answer)).toEqual([]);
      }
    }
    expect((await get('/', session)).status).toBe(200);
  });

  test('a form of our own with a field twice, too large, or of another type is refused', async () => {
    const session = await sessionOf('person/mira');
    const form = (raw: string, type = 'application/x-www-form-urlencoded') =>
      web.call('/ask', {
        raw,
        method: 'POST',
        headers: { ...ours(), 'content-type': type, cookie: session },
      });
    expect((await form('reason=a&reason=b')).status).toBe(400);
    expect((await form(`reason=${'x'.repeat(65_536)}`)).status).toBe(413);
    expect((await form('reason=a', 'multipart/form-data')).status).toBe(400);
    expect((await form('entitlement=x')).text).toContain('This form was not filled in as it is.');
  });

  test('a link opens a page; a frame, an image or a script of another site gets nothing', async () => {
    const session = await sessionOf('person/mira');
    const from = (dest: string, mode: string) =>
      get('/', session, { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': dest, 'sec-fetch-mode': mode });
    expect((await from('document', 'navigate')).status).toBe(200);
    for (const [dest, mode] of [
      ['iframe', 'navigate'],
      ['image', 'no-cors'],
      ['script', 'no-cors'],
      ['empty', 'cors'],
    ] as const)
      expect((await from(dest, mode)).status).toBe(403);
  });

  test('whoever comes by another name is sent to the one that passkeys belong to', async () => {
    for (const host of ['127.0.0.1:8080', 'evil.example', 'localhost:1']) {
      const answer = await get('/requests/abcdefgh-1?a=b', '', { host });
      expect([answer.status, answer.headers['location']]).toEqual([
        302,
        `${stack.origin}/requests/abcdefgh-1?a=b`,
      ]);
    }
  });
});

describe('WEB-6 every answer says what a browser may do with it', () => {
  test('pages, refusals and what they load', async () => {
    const session = await sessionOf('person/mira');
    const home = await get('/', session);
    const assets = [...home.text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path = '']) => path);
    expect(assets.length).toBeGreaterThanOrEqual(3);
    for (const answer of [
      home,
      await get('/sign-in'),
      await get('/requests/none-of-this', session),
      ...(await Promise.all(assets.map((path) => get(path)))),
    ]) {
      const policy = String(answer.headers['content-security-policy']);
      expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toContain("form-action 'self'");
      expect(policy).toContain("base-uri 'none'");
      expect(policy).not.toMatch(/unsafe|\*|data:|https?:/);
      expect(answer.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'permissions-policy': expect.stringContaining('publickey-credentials-get=(self)'),
      });
    }
    expect(home.headers['cache-control']).toBe('no-store');
  });

  test('another method than a page has is answered with those that it has', async () => {
    const session = await sessionOf('person/mira');
    for (const [path, allow] of [
      ['/', 'GET'],
      ['/ask', 'GET, POST'],
      ['/requests/abcdefgh-1', 'GET'],
      ['/requests/abcdefgh-1/statements', 'POST'],
      ['/sign-in', 'GET, POST'],
    ] as const) {
      const answer = await web.call(path, { method: 'PUT', headers: { ...ours(), cookie: session } });
      expect([path, answer.status, answer.headers['allow']]).toEqual([path, 405, allow]);
    }
    expect((await web.call('/nothing', { method: 'PUT', headers: ours() })).status).toBe(404);
  });

  test('no page has anything inline or from elsewhere, and its script is under 30 KB', async () => {
    const session = await sessionOf('person/mira');
    const request = await stack.harness.cast.ask(ROTATE);
    for (const path of ['/', `/requests/${request.id}`, '/sign-in']) {
      const { text } = await get(path, path === '/sign-in' ? '' : session);
      expect(text).not.toMatch(
        /<script(?![^>]* src="\/assets\/)|<style| style=| on[a-z]+=|javascript:|(?:src|href|action)="(?:https?:)?\/\//i,
      );
    }
    const { text } = await get('/', session);
    const script = /src="(\/assets\/pages\.[^"]+\.js)"/.exec(text)?.[1] ?? '';
    const size = Buffer.byteLength((await get(script)).text);
    expect(size).toBeGreaterThan(1_000);
    expect(size).toBeLessThan(30_000);
  });
});

describe('WEB-1 sessions', () => {
  test('their cookies are for this host, this browser and no script', async () => {
    const { claims, cookie } = await begin();
    const answer = await finish(cookie, stack.passkey('person/mira').sign({}, { claims, ...here() }));
    const session = cookiesOf(answer).find((one) => !/=;/.test(one)) ?? '';
    expect(session).toMatch(/HttpOnly/);
    expect(session).toMatch(/SameSite=Lax/);
    expect(session).toMatch(/Path=\//);
    expect(session).toMatch(/Max-Age=28800/);
    expect(session).not.toMatch(/Domain/);
  });

  test('whoever is signed out is sent to sign in, and back', async () => {
    const answer = await get('/requests/abcdefgh-1');
    expect([answer.status, answer.headers['location']]).toEqual([
      303,
      '/sign-in?to=%2Frequests%2Fabcdefgh-1',
    ]);
    expect((await get('/sign-in?to=%2Frequests%2Fabcdefgh-1')).text).toContain(
      'data-to="/requests/abcdefgh-1"',
    );
    expect((await get('/sign-in?to=https%3A%2F%2Fevil.example')).text).toContain('data-to="/"');
    expect((await say('', 'abcdefgh-1', {})).status).toBe(401);
    expect((await get('/live')).status).toBe(401);
  });

  test('a session that was brought along is not the one that a sign-in gives (fixation)', async () => {
    const planted = await sessionOf('person/felix');
    const { claims, cookie } = await begin();
    const signed = stack.passkey('person/mira').sign({}, { claims, ...here() });
    const answer = await finish(`${cookie}; ${planted}`, signed);
    const session = pairOf(cookiesOf(answer).find((one) => !/=;/.test(one)));
    expect(session).not.toBe(planted);
    expect((await get('/', session)).text).toContain('</span>mira');
  });

  test('a sign-in that one browser began, another cannot end', async () => {
    const [victim, attacker] = [await begin(), await begin()];
    const signed = stack.passkey('person/mira').sign({}, { claims: attacker.claims, ...here() });
    expect((await finish(victim.cookie, signed)).status).toBe(403);
    expect((await finish('', signed)).status).toBe(403);
  });

  test('signing out takes the session out of the browser', async () => {
    const session = await sessionOf('person/mira');
    const answer = await web.call('/sign-out', { method: 'POST', headers: { ...ours(), cookie: session } });
    expect([answer.status, answer.headers['location']]).toEqual([303, '/sign-in']);
    expect(cookiesOf(answer).join()).toMatch(/^countersign-\d+=;/);
  });

  test('a session outlives a restart of the gateway, and ends when its person is disabled', async () => {
    const session = await sessionOf('person/tomas');
    await stack.stopGateway();
    await stack.startGateway();
    expect((await get('/', session)).status).toBe(200);
    const restore = stack.harness.bundle.set('directory.yaml', ['people', 'person/tomas', 'enabled'], false);
    expect((await get('/', session)).status).toBe(303);
    const { claims, cookie } = await begin();
    const answer = await finish(cookie, stack.passkey('person/tomas').sign({}, { claims, ...here() }));
    expect([answer.status, answer.json.code]).toEqual([403, 'DISABLED_IDENTITY']);
    restore();
    expect((await get('/', session)).status).toBe(200);
  });
});

describe('WEB-7 governors find every request', () => {
  const rowsOf = ({ text }: Answer) => [...text.matchAll(/href="\/requests\/([^"]+)"/g)].map(([, id]) => id);

  test('by whom it concerns, what it is about and when; what is no search finds nothing', async () => {
    const [one, other] = [await stack.harness.cast.ask(WRITE), await stack.harness.cast.ask(ROTATE)];
    const nadia = await sessionOf('person/nadia');
    const today = new Date().toISOString().slice(0, 10);
    await eventuallyTrue('the server lists both', async () =>
      rowsOf(await get('/audit', nadia)).includes(other.id),
    );
    const found = rowsOf(await get(`/audit?person=ci%2Fpayments&resource=payments&from=${today}&to=`, nadia));
    expect(found).toContain(one.id);
    expect(found).not.toContain(other.id);
    expect(rowsOf(await get('/audit?to=2020-01-01', nadia))).toEqual([]);
    expect(rowsOf(await get('/audit?person=person%2Fmira', nadia))).toEqual([]);
    const injected = await get(`/audit?resource=${encodeURIComponent("x' OR WorkflowType != 'x")}`, nadia);
    expect(injected.text).toContain('This search cannot be read');
    expect(rowsOf(injected)).toEqual([]);
  });

  test('nobody else gets the lists of governors', async () => {
    const mira = await sessionOf('person/mira');
    for (const path of ['/audit', '/governance']) expect((await get(path, mira)).status).toBe(403);
  });
});

describe('WEB-6 strangers and hostile words', () => {
  test('who guesses ids learns nothing: another’s request and one that is not there look the same', async () => {
    const request = await stack.harness.cast.ask(WRITE);
    const felix = await sessionOf('person/felix');
    const [theirs, none] = [
      await get(`/requests/${request.id}`, felix),
      await get('/requests/none-of-this', felix),
    ];
    expect(theirs.status).toBe(404);
    const plain = (text: string) => text.replace(/data-now="\d+"/, '');
    expect(plain(theirs.text)).toBe(plain(none.text));
    expect((await get(`/live/requests/${request.id}`, felix)).status).toBe(404);
    expect((await say(felix, request.id, { format: 'webauthn' })).status).toBe(400);
    const said = async (id: string) => {
      const claims = claimsFor(
        { ...request, id },
        { iss: 'person/felix', digest: `sha-256:${'A'.repeat(43)}` },
      );
      const { status, json } = await say(felix, id, stack.passkey('person/felix').sign(claims, here()));
      return [status, json.detail];
    };
    expect(await said(request.id)).toEqual([404, expect.any(String)]);
    expect(await said(request.id)).toEqual(await said('none-of-this'));
    expect(await stack.harness.cast.view(request)).toMatchObject({ refusalCount: 0 });
  });

  test('markup, marks of direction, unseen characters and 50 KB are shown as what they are', async () => {
    const evil = '<img src=x onerror=alert(1)></pre><script>alert(1)</script>&quot;\u202egnihton\u200b';
    const request = await stack.harness.cast.ask({
      ...ROTATE,
      reason: '<b>urgent</b> "><script>alert(1)</script>',
      parameters: {
        tool: 'vault-rotate',
        toolVersion: '1',
        target: 'payments-secrets',
        arguments: { path: evil, ballast: 'x'.repeat(50_000) },
      },
    });
    const { text } = await get(`/requests/${request.id}`, await sessionOf('person/mira'));
    expect(text).not.toContain('<img src=x');
    expect(text).not.toContain('<script>');
    expect(text).not.toContain('<b>urgent');
    expect(text).not.toMatch(/[\u202e\u200b]/);
    expect(text).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(text).toContain('<span class="unseen">U+202E</span>gnihton<span class="unseen">U+200B</span>');
    expect(text).toContain('x'.repeat(50_000));
  });

  test('what a person types when they ask comes back as text, and nobody is asked in unseen characters', async () => {
    const session = await sessionOf('person/mira');
    const ask = (reason: string) =>
      web.call('/ask', {
        method: 'POST',
        raw: new URLSearchParams({
          entitlement: 'warehouse:payments#write',
          duration: '1h',
          reason,
        }).toString(),
        headers: { ...ours(), 'content-type': 'application/x-www-form-urlencoded', cookie: session },
      });
    const { text } = await ask('"><script>alert(1)</script>');
    expect(text).not.toContain('<script>alert');
    expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    for (const hidden of ['\u202egnihton', 'no\u200bthing', 'nothing\u2066']) {
      const refused = await ask(hidden);
      expect(refused.text).toContain('class="said bad"');
      expect(refused.text).not.toContain('data-ceremony="sign"');
    }
  });

  test('an invitation to other pages registers nobody here', async () => {
    const key = await stack.harness.cast.key('person/nadia');
    const to = async (origin: string) => {
      const terms = {
        person: 'person/felix',
        rpId: new URL(origin).hostname,
        origin,
        lifeMs: 60_000,
        endorse: false,
      };
      return signInvitation(terms, 'person/nadia', key, Date.now());
    };
    const passkey = new SoftwarePasskey();
    const { credentialId, publicKey } = passkey;
    for (const origin of ['https://other.example.com', 'http://localhost:1']) {
      const invited = await to(origin);
      const credential = { credentialId, publicKey, rpId: new URL(origin).hostname, origin };
      const row = await redeem(invited, 'person/felix', passkey, Date.now(), { credential });
      const detail = `the invitation is to the pages at ${origin}; these are at ${stack.origin}`;
      const shown = await web.call('/v1/keys/invitation', { body: { invitation: invited.invitation } });
      expect([shown.status, shown.json]).toMatchObject([422, { code: 'NOT_ELIGIBLE', detail }]);
      expect(await stack.gateway.enrolment?.add(row)).toMatchObject({
        refusal: { code: 'NOT_ELIGIBLE', detail },
      });
    }
  });

  test('a person may watch twelve pages at once, and who leaves makes room', async () => {
    const session = await sessionOf('person/felix');
    const live = /data-live="([^"]+)"/.exec((await get('/', session)).text)?.[1] ?? '';
    const leaving = new AbortController();
    const watch = () =>
      fetch(`${stack.origin}${live}`, { headers: { cookie: session }, signal: leaving.signal });
    // A response that nobody keeps is closed when memory is collected, and makes room.
    const watching = [];
    for (let pages = 0; pages < 12; pages += 1) watching.push(await watch());
    expect(watching.map(({ status }) => status)).toEqual(Array(12).fill(200));
    expect((await watch()).status).toBe(429);
    expect(watching.every(({ bodyUsed }) => !bodyUsed)).toBe(true);
    leaving.abort();
    await eventuallyTrue('there is room again', async () => {
      const again = await fetch(`${stack.origin}/live?seen=old`, { headers: { cookie: session } });
      return again.status === 200 && (await again.text()).includes('event: changed');
    });
  });
});
