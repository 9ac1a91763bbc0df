import type { Browser } from 'playwright-core';
import { makePushKey, readPushKey } from '../../src/push/push-key';
import { PushSubscriptions } from '../../src/push/subscriptions';
import { PageStack } from '../support/pages';
import { PushReceiver, PushService } from '../support/push-service';
import { startChromium } from './support/chromium';
import { Person } from './support/person';

jest.setTimeout(360_000);

const { publicKey = '' } = readPushKey(makePushKey()) ?? {};

let stack: PageStack;
let browser: Browser;
let service: PushService;
let subscriptions: PushSubscriptions;

beforeAll(async () => {
  service = await PushService.start();
  stack = await PageStack.start(['person/mira', 'person/felix'], () => ({
    push: { publicKey, services: ['127.0.0.1', 'push.example'] },
  }));
  subscriptions = new PushSubscriptions({ url: stack.harness.postgres.url });
  browser = await startChromium();
});
afterAll(async () => {
  await browser?.close();
  await subscriptions?.close();
  await stack?.stop();
  await service?.stop();
});

/**
 * Subscribes at the push service of this test in place of the one of the browser's maker, which cannot be reached from everywhere. The
 * service worker, the permission and the page are the real ones.
 */
async function withPushService(person: Person, endpoint: string): Promise<void> {
  const { keys } = new PushReceiver();
  await person.page.addInitScript(`{
    const made = () => localStorage.getItem('made') === null ? null : {
      endpoint: ${JSON.stringify(endpoint)},
      toJSON: () => ({ endpoint: ${JSON.stringify(endpoint)}, keys: ${JSON.stringify(keys)}, expirationTime: null }),
      unsubscribe: async () => { localStorage.removeItem('made'); return true; },
    };
    PushManager.prototype.getSubscription = async () => made();
    PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
      const key = btoa(String.fromCharCode(...applicationServerKey)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
      if (!userVisibleOnly || key !== ${JSON.stringify(publicKey)}) throw new Error('another key');
      localStorage.setItem('made', 'yes');
      return made();
    };
  }`);
}

describe('FRI-2 a person is told in their browser that they are awaited, if they ask for it', () => {
  test('they ask for it on their page, see what is pushed, and end it', async () => {
    const mira = await Person.open(stack, browser, 'person/mira');
    await mira.context.grantPermissions(['notifications'], { origin: stack.origin });
    const endpoint = `${service.url}/mira`;
    await withPushService(mira, endpoint);
    const page = await mira.visit('/');
    expect(await subscriptions.people()).toEqual([]);
    await page.getByRole('button', { name: 'Tell me on this device' }).click();
    await page.locator('#said.good, #said.bad').waitFor();
    expect(await page.locator('#said').innerText()).toBe(
      'This device tells you when something waits for you.',
    );
    expect(await subscriptions.of('person/mira')).toMatchObject([{ endpoint }]);

    const devtools = await mira.context.newCDPSession(page);
    const registrationId = new Promise<string>((resolve) =>
      devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations: [one] }) => {
        if (one !== undefined) resolve(one.registrationId);
      }),
    );
    await devtools.send('ServiceWorker.enable');
    const push = async (data: string) =>
      devtools.send('ServiceWorker.deliverPushMessage', {
        origin: stack.origin,
        registrationId: await registrationId,
        data,
      });
    const shown = () =>
      page.evaluate(`navigator.serviceWorker.ready.then((one) => one.getNotifications())
        .then((all) => all.map(({ title, body, data }) => [title, body, data.page].join(' | ')))`);
    const until = async (line: string) => {
      for (let looks = 0; looks < 100; looks += 1) {
        const lines = (await shown()) as readonly string[];
        if (lines.includes(line)) return lines;
        await page.waitForTimeout(100);
      }
      return shown();
    };
    await push(JSON.stringify({ body: '2 requests wait for you', page: '/requests/abcdefgh-1' }));
    const first = 'Countersign | 2 requests wait for you | /requests/abcdefgh-1';
    expect(await until(first)).toEqual([first]);
    // What does not come from us, or leads elsewhere, leads to our own first page.
    await push(JSON.stringify({ body: 'look here', page: 'https://evil.example/x' }));
    expect(await until('Countersign | look here | /')).toEqual(['Countersign | look here | /']);
    await push('nonsense');
    const usual = 'Countersign | Something waits for you | /';
    expect(await until(usual)).toEqual([usual]);

    await page.getByRole('button', { name: 'Stop telling me on this device' }).click();
    await page.locator('#said.good', { hasText: 'This device tells you no more.' }).waitFor();
    expect(await subscriptions.people()).toEqual([]);
    await mira.close();
  });

  test('a push service that the settings do not name, or another person’s subscription, is not taken', async () => {
    const felix = await Person.open(stack, browser, 'person/felix');
    const page = await felix.visit('/');
    const { keys } = new PushReceiver();
    await subscriptions.add('person/mira', { endpoint: `${service.url}/of-mira`, keys }, 0);
    const post = (where: string, body: object) =>
      page.evaluate(
        async ([to = '', text = '']) => {
          const headers = { 'content-type': 'application/json' };
          return (await fetch(to, { method: 'POST', headers, body: text })).status;
        },
        [where, JSON.stringify(body)],
      );
    for (const endpoint of [
      'https://evil.example/x',
      'https://127.0.0.1.evil.example/x',
      'https://user@127.0.0.1/x',
      'http://169.254.169.254/latest/meta-data',
      'http://push.example/x',
      'file:///etc/passwd',
    ])
      expect([endpoint, await post('/push', { endpoint, keys })]).toEqual([endpoint, 400]);
    expect(await post('/push/end', { endpoint: `${service.url}/of-mira` })).toBe(200);
    expect(await subscriptions.people()).toEqual(['person/mira']);
    await felix.close();
  });

  test('the pages are an app that can be installed, and no other script becomes a service worker', async () => {
    const felix = await Person.open(stack, browser, 'person/felix');
    const page = await felix.visit('/');
    const devtools = await felix.context.newCDPSession(page);
    const { errors, data } = await devtools.send('Page.getAppManifest');
    expect(errors).toEqual([]);
    expect(JSON.parse(data ?? '{}')).toMatchObject({
      name: 'Countersign',
      display: 'standalone',
      scope: '/',
    });
    const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors');
    // A browser context of its own, as in tests, counts as incognito.
    expect(installabilityErrors.map(({ errorId }) => errorId)).toEqual(['in-incognito']);
    const attempt = `navigator.serviceWorker.register('/assets/other.js').then(() => 'taken', (error) => error.name)`;
    expect(await page.evaluate(attempt)).toBe('TypeError');
    await felix.close();
  });
});
