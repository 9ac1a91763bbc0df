import type { Browser, Page } from 'playwright-core';
import { decodeRows } from '../../src/directory/register/enrolled-directory';
import { invitationLink, signInvitation } from '../../src/signing/enrolment';
import { WRITE } from '../support/harness-asks';
import { TestKeycloak } from '../support/keycloak';
import { PageStack } from '../support/pages';
import { redeem } from '../support/signing/enrolment';
import { SoftwarePasskey } from '../support/signing/passkey';
import { startChromium } from './support/chromium';
import { Person } from './support/person';

jest.setTimeout(360_000);

const CLIENT = 'countersign';
const PASSWORD = 'of the person at the provider';

let keycloak: TestKeycloak;
let issuer: string;
let stack: PageStack;
let browser: Browser;
const open: Person[] = [];

beforeAll(async () => {
  keycloak = await TestKeycloak.start();
  const people = ['person/mira', 'person/nadia'];
  stack = await PageStack.start(people, async (origin) => {
    issuer = await makeRealm(origin);
    return {
      signIn: { issuer, clientId: CLIENT, title: 'Keycloak', people: { claim: 'preferred_username' } },
    };
  });
  browser = await startChromium();
}, 900_000);
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  await keycloak?.stop();
});

const makeRealm = (origin: string): Promise<string> =>
  keycloak.makeRealm({
    realm: 'company',
    clients: [
      {
        clientId: CLIENT,
        publicClient: true,
        redirectUris: [`${origin}/sign-in/return`],
        attributes: { 'pkce.code.challenge.method': 'S256' },
      },
    ],
    users: ['mira', 'tomas', 'david', 'stranger'].map((username) => ({
      ...{ username, enabled: true, email: `${username}@example.com`, emailVerified: true },
      ...{ firstName: username, lastName: 'Example' },
      credentials: [{ type: 'password', value: PASSWORD, temporary: false }],
    })),
  });

async function somebody(): Promise<Person> {
  const one = await Person.withoutPasskey(stack, browser);
  open.push(one);
  return one;
}

/** Follows the link to the provider on the page that is open, and signs in there. */
async function signInThere(page: Page, username: string): Promise<void> {
  await page.getByRole('link', { name: 'Sign in with Keycloak' }).click();
  await page.locator('#username').fill(username);
  await page.locator('#password').fill(PASSWORD);
  await page.locator('#kc-login').click();
}

/** Signs in at the provider, and keeps the address that it sends the browser back to from being opened. */
async function caughtOnTheWayBack({ page }: Person, username: string): Promise<string> {
  // The browser's own tools, since those of Playwright see no redirect.
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Fetch.enable', { patterns: [{ urlPattern: '*/sign-in/return*' }] });
  const back = new Promise<string>((resolve) => {
    devtools.once('Fetch.requestPaused', async ({ requestId, request }) => {
      await devtools.send('Fetch.failRequest', { requestId, errorReason: 'Aborted' });
      resolve(request.url);
    });
  });
  await page.goto('/sign-in');
  await signInThere(page, username);
  const address = await back;
  await devtools.send('Fetch.disable');
  await devtools.detach();
  return address;
}

async function invite(person: string) {
  const key = await stack.harness.cast.key('person/nadia');
  const terms = { person, rpId: 'localhost', origin: stack.origin, lifeMs: 86_400_000, endorse: false };
  return signInvitation(terms, 'person/nadia', key, Date.now());
}

const pathOf = (page: Page): string => new URL(page.url()).pathname;
const said = async (page: Page): Promise<string> => {
  await page.locator('#said.good, #said.bad').waitFor();
  return page.locator('#said').innerText();
};

describe('WEB-1 a person signs in at the identity provider', () => {
  test('from the link in a message to the request; the decision is still signed by a passkey', async () => {
    const request = await stack.harness.cast.ask(WRITE);
    const mira = await somebody();
    await mira.page.goto(`/requests/${request.id}`);
    await signInThere(mira.page, 'mira');
    await mira.page.waitForURL(`${stack.origin}/requests/${request.id}`);
    const [session] = (await mira.context.cookies(stack.origin)).filter(({ name }) =>
      /^countersign-\d+$/.test(name),
    );
    expect(session).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
    expect(await mira.sign('Approve')).toMatch(/^Nothing was signed/);
    await mira.hold(stack.passkey('person/mira'), 'person/mira');
    expect(await mira.sign('Approve')).toBe('Your approval counts.');
    expect(await stack.harness.cast.settled(request)).toMatchObject({ status: 'active' });
    await mira.page.goto('/keys');
    expect(await mira.page.locator('form[data-ceremony="add-key"]').count()).toBe(0);
  });

  test('the passkey of somebody else signs nothing in this session', async () => {
    const request = await stack.harness.cast.ask(WRITE);
    const tomas = await somebody();
    await tomas.page.goto(`/requests/${request.id}`);
    await signInThere(tomas.page, 'tomas');
    await tomas.page.waitForURL(`${stack.origin}/requests/${request.id}`);
    await tomas.hold(stack.passkey('person/mira'), 'person/mira');
    expect(await tomas.sign('Approve')).toMatch(/BAD_SIGNATURE/);
  });

  test('somebody whom the directory does not know, or has disabled, is not let in', async () => {
    const [stranger, david] = [await somebody(), await somebody()];
    await stranger.page.goto('/sign-in');
    await signInThere(stranger.page, 'stranger');
    await stranger.page.waitForURL('**/sign-in/return*');
    expect(await stranger.page.locator('main').innerText()).toContain('is disabled or past its end date');
    const restore = stack.harness.bundle.set('directory.yaml', ['people', 'person/david', 'enabled'], false);
    await david.page.goto('/sign-in');
    await signInThere(david.page, 'david');
    await david.page.waitForURL('**/sign-in/return*');
    expect(await david.page.locator('main').innerText()).toContain('is disabled or past its end date');
    restore();
    for (const one of [stranger, david]) {
      await one.page.goto('/');
      expect(pathOf(one.page)).toBe('/sign-in');
    }
  });

  test('nobody is sent to another site afterwards', async () => {
    const mira = await somebody();
    await mira.page.goto('/sign-in?to=https%3A%2F%2Fevil.example%2F');
    await signInThere(mira.page, 'mira');
    await mira.page.waitForURL(`${stack.origin}/`);
    for (const to of ['https://evil.example', '//evil.example', '/\\evil.example', '/sign-in/return']) {
      const page = await mira.context.newPage();
      await page.goto(`/sign-in/provider?to=${encodeURIComponent(to)}`);
      await page.waitForURL(`${stack.origin}/`);
      await page.close();
    }
  });
});

describe('WEB-1 what comes back from the provider counts once, in the browser that asked for it', () => {
  test('a stolen way back signs the thief in as nobody, and a used one nobody again', async () => {
    const [mira, thief] = [await somebody(), await somebody()];
    const address = await caughtOnTheWayBack(mira, 'mira');
    await thief.page.goto(address);
    expect(await thief.page.locator('main').innerText()).toContain('begun in another browser');
    // The thief has an attempt of their own in this browser.
    const theirs = await caughtOnTheWayBack(thief, 'tomas');
    await thief.page.goto(address);
    expect(await thief.page.locator('main').innerText()).toContain('does not hold');
    await thief.page.goto('/');
    expect(pathOf(thief.page)).toBe('/sign-in');
    // The other way round: who follows a link of the thief's is not signed in as the thief.
    await mira.page.goto(theirs);
    expect(await mira.page.locator('main').innerText()).toContain('does not hold');
    await mira.page.goto(address);
    expect(await mira.page.locator('main').innerText()).toContain('begun in another browser');
    await mira.page.goto('/');
    expect(pathOf(mira.page)).toBe('/sign-in');
  });

  test('a code with the state of another attempt, and the word of another issuer, are refused', async () => {
    const [mira, thief] = [await somebody(), await somebody()];
    const stolen = new URL(await caughtOnTheWayBack(mira, 'mira')).searchParams.get('code') ?? '';
    const own = new URL(await caughtOnTheWayBack(thief, 'tomas'));
    expect(own.searchParams.get('iss')).toBe(issuer);
    own.searchParams.set('code', stolen);
    await thief.page.goto(own.href);
    expect(await thief.page.locator('main').innerText()).toContain('does not hold');
    const mixed = new URL(await caughtOnTheWayBack(await somebody(), 'tomas'));
    const victim = open.at(-1);
    mixed.searchParams.set('iss', 'https://evil.example');
    await victim?.page.goto(mixed.href);
    expect(await victim?.page.locator('main').innerText()).toContain('does not hold');
  });

  test('a session that was planted before is not the one that signing in gives', async () => {
    const [tomas, mira] = [await somebody(), await somebody()];
    await tomas.page.goto('/sign-in');
    await signInThere(tomas.page, 'tomas');
    await tomas.page.waitForURL(`${stack.origin}/`);
    const planted = await tomas.context.cookies(stack.origin);
    const address = await caughtOnTheWayBack(mira, 'mira');
    await mira.context.addCookies(planted.filter(({ name }) => /^countersign-\d+$/.test(name)));
    await mira.page.goto(address);
    await mira.page.waitForURL(`${stack.origin}/`);
    expect(await mira.page.locator('.banner').innerText()).toContain('mira');
    expect(await mira.context.cookies(stack.origin)).not.toContainEqual(planted[0]);
  });
});

describe('WEB-3 where there is a provider, people sign in there before they register a passkey', () => {
  test('the link survives the way there and back, and the registration says as whom they were seen', async () => {
    const david = await somebody();
    const link = invitationLink(stack.origin, await invite('person/david'));
    const sent: string[] = [];
    david.page.on('request', (one) => sent.push(`${one.url()} ${one.postData() ?? ''}`));
    await david.page.goto(link);
    await signInThere(david.page, 'david');
    await david.page.getByRole('button', { name: 'Create a passkey' }).click();
    expect(await said(david.page)).toBe('Your passkey is registered. Sign in with it.');
    const secret = JSON.parse(Buffer.from(new URL(link).hash.slice(1), 'base64url').toString()).key.d;
    expect(sent.filter((one) => one.includes(secret))).toEqual([]);
    expect(await david.page.evaluate('sessionStorage.getItem("countersign-invitation")')).toBeNull();
    const [user] = (await keycloak.admin('GET', '/admin/realms/company/users?username=david')) as [
      { id: string },
    ];
    const rows = decodeRows((await stack.harness.register.current()).map(({ row }) => row));
    const claims = rows.flatMap((row) => (row.kind === 'registered' ? [row.registration.claims] : []));
    expect(claims.filter(({ sub }) => sub === 'person/david')).toMatchObject([
      { seen: { issuer, subject: user.id } },
    ]);
  });

  test('who has the link of somebody else registers nothing, by the page or past it', async () => {
    const tomas = await somebody();
    const invited = await invite('person/mira');
    await tomas.page.goto(invitationLink(stack.origin, invited));
    await signInThere(tomas.page, 'tomas');
    await tomas.page.getByRole('button', { name: 'Create a passkey' }).click();
    expect(await said(tomas.page)).toContain('knows you as person/tomas; the invitation is for person/mira');
    const passkey = new SoftwarePasskey();
    const { credentialId, publicKey } = passkey;
    const credential = { credentialId, publicKey, rpId: 'localhost', origin: stack.origin };
    const row = (more: object = {}) =>
      redeem(invited, 'person/mira', passkey, Date.now(), { credential, ...more });
    const post = async (where: string, body: object, page = tomas.page) =>
      page.evaluate(
        async ([to = '', text = '']) => {
          const headers = { 'content-type': 'application/json' };
          const answer = await fetch(to, { method: 'POST', headers, body: text });
          return `${answer.status} ${JSON.parse(await answer.text()).code}`;
        },
        [where, JSON.stringify(body)],
      );
    expect(await post('/v1/keys', await row())).toBe('403 WEAK_ASSURANCE');
    expect(await post('/enrol/keys', await row())).toBe('403 NOT_ELIGIBLE');
    const mira = await Person.open(stack, browser, 'person/mira');
    open.push(mira);
    await mira.visit('/');
    expect(await post('/enrol/keys', await row(), mira.page)).toBe('403 WEAK_ASSURANCE');
    const genuine = await somebody();
    await genuine.page.goto('/sign-in');
    await signInThere(genuine.page, 'mira');
    await genuine.page.waitForURL(`${stack.origin}/`);
    const seen = { issuer, subject: 'somebody else' };
    expect(await post('/enrol/keys', await row({ seen }), genuine.page)).toBe('403 BAD_SIGNATURE');
    expect(await post('/enrol/keys', { registration: invited.invitation }, genuine.page)).toMatch(/^400/);
  });
});
