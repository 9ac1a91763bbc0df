import type { Browser, Page } from 'playwright-core';
import { invitationLink, signInvitation } from '../../src/signing/enrolment';
import { WRITE } from '../support/harness-asks';
import { PageStack } from '../support/pages';
import { startChromium } from './support/chromium';
import { draw, findingsOf, SCREENS } from './support/looks';
import { Person } from './support/person';

jest.setTimeout(180_000);

const DAY = 86_400_000;

let stack: PageStack;
let browser: Browser;

beforeAll(async () => {
  stack = await PageStack.start(['person/nadia']);
  browser = await startChromium();
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

async function invite(person: string): Promise<string> {
  const key = await stack.harness.cast.key('person/nadia');
  const terms = { person, rpId: 'localhost', origin: stack.origin, lifeMs: DAY, endorse: false };
  return invitationLink(stack.origin, await signInvitation(terms, 'person/nadia', key, Date.now()));
}

async function register(page: Page, link: string): Promise<string> {
  await page.goto(link);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await page.locator('#said.good, #said.bad').waitFor();
  return page.locator('#said').innerText();
}

describe.each(SCREENS)('WEB-6 on a screen that is %s', (name, screen) => {
  test('the page of an invitation has no finding of axe-core, with the form that it opens', async () => {
    const context = await browser.newContext({ baseURL: stack.origin, ...screen });
    const page = await context.newPage();
    await page.goto(await invite('person/aiko'));
    await page.getByRole('button', { name: 'Create a passkey' }).waitFor();
    expect(await page.locator('#invited').innerText()).toBe('person/aiko');
    expect(await findingsOf(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth > innerWidth')).toBe(false);
    await draw(page, `enrol-invited-${name}`);
    await context.close();
  });
});

describe('WEB-1, WEB-3 from an invitation to a decision, in one browser', () => {
  test('a person registers a passkey, signs in with it and approves', async () => {
    const request = await stack.harness.cast.ask(WRITE);
    const mira = await Person.withoutPasskey(stack, browser);
    const link = await invite('person/mira');
    const sent: string[] = [];
    mira.page.on('request', (one) => sent.push(`${one.url()} ${one.postData() ?? ''}`));
    expect(await register(mira.page, link)).toBe('Your passkey is registered. Sign in with it.');
    expect(await mira.page.evaluate('location.hash')).toBe('');
    const secret = JSON.parse(Buffer.from(new URL(link).hash.slice(1), 'base64url').toString()).key.d;
    expect(sent.filter((one) => one.includes(secret))).toEqual([]);
    await mira.visit(`/requests/${request.id}`);
    expect(await mira.sign('Approve')).toBe('Your approval counts.');
    expect(await stack.harness.cast.settled(request)).toMatchObject({ status: 'active' });
    await mira.close();
  });

  test('an invitation is good once, and half a link is none', async () => {
    const link = await invite('person/tomas');
    const [tomas, thief] = [
      await Person.withoutPasskey(stack, browser),
      await Person.withoutPasskey(stack, browser),
    ];
    expect(await register(tomas.page, link)).toMatch(/^Your passkey is registered/);
    await thief.page.goto(link);
    const button = thief.page.getByRole('button', { name: 'Create a passkey' });
    const refused = thief.page.locator('#said.bad');
    await Promise.race([refused.waitFor(), button.waitFor().then(() => button.click())]);
    await refused.waitFor();
    await thief.page.goto(link.slice(0, -20));
    await thief.page.locator('#said.bad').waitFor();
    await Promise.all([tomas.close(), thief.close()]);
  });

  test('they add a passkey of another device, and retire it when it is lost', async () => {
    const david = await Person.withoutPasskey(stack, browser);
    await register(david.page, await invite('person/david'));
    const page = await david.visit('/keys');
    await david.plugIn('usb');
    const add = page.locator('form[data-ceremony="add-key"]');
    await add.locator('[name="label"]').fill('security key');
    await add.getByRole('button', { name: 'Add a passkey' }).click();
    await page.locator('#said.good, #said.bad').waitFor();
    expect(await page.locator('#said').innerText()).toBe('The passkey is registered.');
    const row = page.locator('.rows > li', { hasText: 'security key' });
    expect(await row.innerText()).toContain('counts');
    await row.locator('summary').click();
    await row.getByRole('button', { name: 'Retire it' }).click();
    await page.locator('#said.good', { hasText: 'The passkey is retired.' }).waitFor();
    expect(await row.innerText()).toContain('retired');
    await david.close();
  });
});
