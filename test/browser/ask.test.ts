import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { NoticeStore, PastRequests, startNotifications } from '../../src/channels';
import { noticeAuthorityOver, requestsOver } from '../../src/cli/notify/beside-worker';
import { SILENT_LOGGER } from '../../src/contracts/logger';
import { declareRotation } from '../support/declared-rotation';
import { noteFigure } from '../support/figures';
import { WRITE } from '../support/harness-asks';
import { eventually, eventuallyTrue } from '../support/harness-wait';
import { MailServer } from '../support/mail-server';
import { PageStack } from '../support/pages';
import { startChromium } from './support/chromium';
import { Person } from './support/person';

jest.setTimeout(240_000);

let stack: PageStack;
let browser: Browser;
const open: Person[] = [];

beforeAll(async () => {
  stack = await PageStack.start(['jonas', 'mira'].map((name) => `person/${name}`));
  browser = await startChromium();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

async function as(name: string): Promise<Person> {
  const one = await Person.open(stack, browser, `person/${name}`);
  open.push(one);
  return one;
}

describe('WEB-4 a person asks in a browser', () => {
  test('they see what will happen, sign, and are on the page of their request', async () => {
    const jonas = await as('jonas');
    const page = await jonas.visit('/ask');
    await page.locator('[name="entitlement"]').selectOption('warehouse:payments#write');
    await page.locator('[name="reason"]').fill('mend a row');
    await page.getByRole('button', { name: 'See what will happen' }).click();
    expect(await page.locator('.preview').innerText()).toMatch(/First 1 of .*mira.*tomas.*must sign/s);
    await page.getByRole('button', { name: 'Ask with your passkey' }).click();
    await page.waitForURL(/\/requests\//);
    expect(await page.locator('#said').innerText()).toBe('Your request is submitted.');
    const id = new URL(page.url()).pathname.split('/')[2] ?? '';
    const view = await stack.harness.cast.settled({ id });
    expect(view).toMatchObject({
      status: 'awaiting_approval',
      recognition: { principal: 'person/jonas', assurance: 'phishing-resistant' },
    });
    await page.goto('/');
    expect(await page.locator('main').innerText()).toMatch(/You asked.*Change payments data/s);
  });

  test('signing out is a form too, and the page is closed after it', async () => {
    const jonas = await as('jonas');
    const page = await jonas.visit('/ask');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL('**/sign-in');
    await page.goto('/ask');
    expect(new URL(page.url()).pathname).toBe('/sign-in');
  });

  test('what policy refuses is said before anything is signed', async () => {
    const jonas = await as('jonas');
    const page = await jonas.visit('/ask');
    await page.locator('[name="entitlement"]').selectOption('warehouse:payments#write');
    await page.locator('[name="duration"]').selectOption('8h');
    await page.locator('[name="reason"]').fill('a long evening');
    await page.getByRole('button', { name: 'See what will happen' }).click();
    expect(await page.locator('.preview').innerText()).toContain('Policy would refuse this.');
    expect(await page.getByRole('button', { name: 'Ask with your passkey' }).count()).toBe(0);
  });

  test('GAT-2 an exact action by its declared arguments: what does not fit is refused, what fits is signed as it is shown', async () => {
    declareRotation(stack.harness.bundle);
    const jonas = await as('jonas');
    const page = await jonas.visit('/ask');
    await page.locator('[name="action"]').selectOption('changes:payments-secrets#rotate');
    await page.getByRole('button', { name: 'Fill in its arguments' }).click();
    await page.waitForURL(/action=/);
    await page.locator('[name="tool"]').fill('vault-rotate');
    await page.locator('[name="toolVersion"]').fill('1');
    await page.locator('[name="target"]').fill('payments-secrets');
    await page.getByLabel('path text').fill('payments/<b>stripe</b>');
    await page.getByLabel('version whole number').fill('seven');
    await page.locator('[name="containment"]').fill('keep the old key for an hour');
    await page.locator('[name="rollback"]').fill('put the old key back');
    const form = page.locator('form', { has: page.locator('[name="tool"]') });
    await form.locator('[name="reason"]').fill('the key is a year old');
    const look = form.getByRole('button', { name: 'See what will happen' });
    await look.click();
    expect(await page.locator('.preview').innerText()).toMatch(
      /Policy would refuse this.*argument version is not a whole number/s,
    );
    expect(await page.getByRole('button', { name: 'Ask with your passkey' }).count()).toBe(0);
    await page.getByLabel('version whole number').fill('7');
    await look.click();
    const preview = await page.locator('.preview').innerText();
    for (const shown of [
      '"path": "payments/<b>stripe</b>"',
      '"version": 7',
      'keep the old key',
      'put the old key back',
    ])
      expect(preview).toContain(shown);
    expect(preview).toMatch(/First 1 of .*mira.*must sign.*it can be run once/s);
    await page.getByRole('button', { name: 'Ask with your passkey' }).click();
    await page.waitForURL(/\/requests\//);
    const id = new URL(page.url()).pathname.split('/')[2] ?? '';
    expect(await stack.harness.cast.settled({ id })).toMatchObject({
      status: 'awaiting_approval',
      recognition: { principal: 'person/jonas', assurance: 'phishing-resistant' },
      submission: {
        request: {
          kind: 'execution',
          parameters: { tool: 'vault-rotate', arguments: { path: 'payments/<b>stripe</b>', version: 7 } },
        },
      },
    });
    expect(await page.locator('.arguments').innerText()).toContain('"version": 7');
  });
});

describe('WEB-1, FRI-2 from the link in a mail to the access in the target', () => {
  const LOGIN = { user: 'countersign', password: 'the password of the mail server' };
  const folder = mkdtempSync(path.join(tmpdir(), 'countersign-mailed-'));
  let mail: MailServer;
  let stopTelling: (() => Promise<void>) | undefined;

  beforeAll(async () => {
    mail = await MailServer.start(LOGIN);
    writeFileSync(path.join(folder, 'password'), LOGIN.password);
    copyFileSync(mail.certificate.certFile, path.join(folder, 'ca.pem'));
    writeFileSync(
      path.join(folder, 'notify.yaml'),
      `channels:
  mail: { kind: email, host: localhost, port: ${mail.port}, from: countersign@example.com, user: ${LOGIN.user}, passwordFile: password, caFile: ca.pem }
links: { request: "${stack.origin}/requests/{id}" }
people:
  person/mira: [{ channel: mail, address: mira@example.com }]
pace: { digestWithin: 300ms }
`,
    );
    const { harness } = stack;
    const { url } = harness.postgres;
    const [store, past] = [new NoticeStore({ url, log: SILENT_LOGGER }), new PastRequests(url)];
    const authority = noticeAuthorityOver(await harness.bundles(SILENT_LOGGER), harness.workerLedger);
    const running = startNotifications({
      ...{ file: path.join(folder, 'notify.yaml'), store, past, logger: SILENT_LOGGER, intervalMs: 200 },
      requests: requestsOver(harness.client, authority),
      authority,
    });
    stopTelling = async () => {
      await running.stop();
      await Promise.all([store.close(), past.close()]);
    };
  });
  afterAll(async () => {
    await stopTelling?.();
    await mail?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('two ceremonies: signing in, and signing', async () => {
    const request = await stack.harness.cast.ask({ ...WRITE, durationMs: 600_000 });
    const told = await eventually('a mail to mira', async () =>
      mail.to('mira@example.com').find(({ text }) => text.includes(request.id)),
    );
    // The mail may be about other requests too.
    const link = `${stack.origin}/requests/${request.id}`;
    expect(told.text.split(/\s/)).toContain(link);
    const mira = await as('mira');
    await mira.countCeremonies();
    const begin = performance.now();
    await mira.visit(link);
    const shownMs = performance.now() - begin;
    const signing = mira.sign('Approve');
    await eventuallyTrue('the role is granted', () => stack.harness.holds('payments_ci', 'production_write'));
    const grantedMs = performance.now() - begin;
    expect(await signing).toBe('Your approval counts.');
    expect(mira.ceremonies()).toBe(2);
    noteFigure(`link in a mail to the page, signed in on the way: ${shownMs.toFixed(0)} ms`);
    noteFigure(`link in a mail to the grant in the target: ${grantedMs.toFixed(0)} ms`);
  });
});
