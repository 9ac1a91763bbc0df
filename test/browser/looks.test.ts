import type { Browser } from 'playwright-core';
import type { AccessRequest } from '../../src/domain/request';
import { makePushKey, readPushKey } from '../../src/push/push-key';
import { declareRotation } from '../support/declared-rotation';
import { ADMIN, EMERGENCY, ROTATE, WRITE } from '../support/harness-asks';
import { PageStack } from '../support/pages';
import { startChromium } from './support/chromium';
import { draw, findingsOf, SCREENS } from './support/looks';
import { Person } from './support/person';

jest.setTimeout(240_000);

/** With an identity provider and with push, so that what these add is looked at too. */
const SETTINGS = {
  signIn: { issuer: 'http://127.0.0.1:1', clientId: 'countersign', people: { claim: 'name' } },
  push: { publicKey: readPushKey(makePushKey())?.publicKey },
};

let stack: PageStack;
let browser: Browser;
let requests: Readonly<Record<'write' | 'admin' | 'exact' | 'emergency', AccessRequest>>;

beforeAll(async () => {
  stack = await PageStack.start(
    ['mira', 'nadia', 'chen'].map((name) => `person/${name}`),
    () => SETTINGS,
  );
  browser = await startChromium();
  const { cast, bundle } = stack.harness;
  declareRotation(bundle);
  requests = {
    write: await cast.ask({ ...WRITE, durationMs: 900_000, reason: 'deploy migration 42, temporarily' }),
    admin: await cast.ask({ ...ADMIN, durationMs: 3_600_000, reason: 'rebuild the index of payments' }),
    exact: await cast.ask({
      ...ROTATE,
      durationMs: 1_800_000,
      reason: 'the key of the provider is a year old',
    }),
    emergency: await cast.ask({ ...EMERGENCY, durationMs: 1_800_000, reason: 'payments are down' }),
  };
  await cast.say('person/tomas', 'approve', requests.admin);
  await cast.settled(requests.admin);
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

/** Every page, who looks at it, and its address. */
const pages: readonly (readonly [name: string, person: string, address: () => string])[] = [
  ['home', 'person/mira', () => '/'],
  ['request', 'person/mira', () => `/requests/${requests.write.id}`],
  ['request-exact', 'person/mira', () => `/requests/${requests.exact.id}`],
  ['request-two-stages', 'person/mira', () => `/requests/${requests.admin.id}`],
  ['request-governor', 'person/nadia', () => `/requests/${requests.admin.id}`],
  ['ask', 'person/mira', () => '/ask'],
  ['ask-action', 'person/mira', () => '/ask?action=changes%3Apayments-secrets%23rotate'],
  ['governance', 'person/nadia', () => '/governance'],
  ['audit', 'person/nadia', () => '/audit'],
  ['friction', 'person/nadia', () => '/friction'],
  ['keys', 'person/nadia', () => '/keys'],
  ['login', 'person/mira', () => `/login?port=40000&challenge=${'A'.repeat(43)}&state=${'b'.repeat(32)}`],
  ['request-none', 'person/mira', () => '/requests/there-is-none-of-this'],
];

describe.each(SCREENS)('WEB-6 on a screen that is %s', (screenName, screen) => {
  test('the pages for signing in and registering have no finding of axe-core', async () => {
    const context = await browser.newContext({ baseURL: stack.origin, ...screen });
    const page = await context.newPage();
    for (const name of ['sign-in', 'enrol']) {
      await page.goto(`/${name}`);
      expect([name, await findingsOf(page)]).toEqual([name, []]);
      await draw(page, `${name}-${screenName}`);
    }
    await context.close();
  });

  test('no page has a finding of axe-core, or is wider than the screen', async () => {
    for (const person of new Set(pages.map(([, one]) => one))) {
      const one = await Person.open(stack, browser, person, screen);
      for (const [name, , address] of pages.filter(([, by]) => by === person)) {
        const page = await one.visit(address());
        for (const details of await page.locator('details').all())
          await details.evaluate((node) => node.setAttribute('open', ''));
        expect([name, await findingsOf(page)]).toEqual([name, []]);
        const tooWide = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
        expect([name, tooWide]).toEqual([name, false]);
        for (const details of await page.locator('details').all())
          await details.evaluate((node) => node.removeAttribute('open'));
        await draw(page, `${name}-${screenName}`);
      }
      await one.close();
    }
  });
});
