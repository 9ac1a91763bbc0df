import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { WRITE } from '../support/harness-asks';
import { eventuallyTrue } from '../support/harness-wait';
import { PageStack } from '../support/pages';
import { startChromium } from './support/chromium';
import { Person } from './support/person';

jest.setTimeout(360_000);

let stack: PageStack;
let browser: Browser;
let server: Server;
/** What the other site shows. */
let shown = '';
/** The same server as another site, and as one that shares our cookies: only its port differs. */
let sites: readonly [string, string][];

beforeAll(async () => {
  stack = await PageStack.start(['person/mira']);
  browser = await startChromium();
  server = createServer((_request, response) =>
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<!doctype html><title>other</title>${shown}`),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  sites = [
    ['another site', `http://127.0.0.1:${port}`],
    ['another port of our host', `http://localhost:${port}`],
  ];
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  server?.closeAllConnections();
  server?.close();
});

/** Somebody who is signed in, and visits the other site in the same browser. */
async function visitor(): Promise<{ readonly mira: Person; readonly page: Page }> {
  const mira = await Person.open(stack, browser, 'person/mira');
  await mira.visit('/');
  return { mira, page: await mira.context.newPage() };
}

describe('WEB-6 pages of other sites, in a real browser', () => {
  test('no page of ours is drawn in a frame (clickjacking)', async () => {
    const request = await stack.harness.cast.ask(WRITE);
    const { mira, page } = await visitor();
    const address = `${stack.origin}/requests/${request.id}`;
    for (const [what, site] of sites)
      for (const frame of [
        `<iframe src="${address}"></iframe>`,
        `<iframe src="${address}" sandbox="allow-scripts allow-forms allow-same-origin"></iframe>`,
        `<object data="${address}" type="text/html"></object>`,
        `<embed src="${address}">`,
      ]) {
        shown = frame;
        await page.goto(site);
        const inside = () => page.frames().filter((one) => one !== page.mainFrame());
        if (frame.startsWith('<iframe'))
          await eventuallyTrue(`${what} gets an error in place of the page`, async () =>
            inside().every((one) => one.url() === 'chrome-error://chromewebdata/'),
          );
        // A frame that is taken away again shows nothing either.
        for (const one of inside()) expect(await one.content().catch(() => '')).not.toContain('Approve');
      }
    // The same address is a page of ours when it is opened by itself.
    await page.goto(address);
    expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(1);
    await mira.close();
  });

  test('a form or a script of another site changes nothing, whatever it is sent to (CSRF)', async () => {
    const { mira } = await visitor();
    const isTo = (path: string) => (one: { url(): string }) => one.url() === `${stack.origin}${path}`;
    for (const [what, site] of sites)
      for (const path of stack.posts) {
        const [sending, scripting] = [await mira.context.newPage(), await mira.context.newPage()];
        shown = `<form method="post" action="${stack.origin}${path}"><input name="reason" value="x"></form>
          <script>document.forms[0].submit()</script>`;
        const answer = sending.waitForResponse(isTo(path));
        // The form leaves the page before it is there.
        await sending.goto(site).catch(() => undefined);
        expect([what, path, (await answer).status()]).toEqual([what, path, 403]);
        const ended = Promise.race([
          scripting.waitForEvent('requestfinished', isTo(path)),
          scripting.waitForEvent('requestfailed', isTo(path)),
        ]);
        shown = `<script>fetch('${stack.origin}${path}', { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{}' })</script>`;
        await scripting.goto(site);
        await ended;
        await Promise.all([sending.close(), scripting.close()]);
      }
    await mira.page.reload();
    expect(new URL(mira.page.url()).pathname).toBe('/');
    await mira.close();
  });

  test('a site that opens our page in a window holds nothing of it, and cannot read it', async () => {
    const { mira, page } = await visitor();
    for (const [, site] of sites) {
      shown = `<button onclick="ours = window.open('${stack.origin}/')">open</button>`;
      await page.goto(site);
      await page.getByRole('button').click();
      await eventuallyTrue('the window is out of reach', async () =>
        page.evaluate<boolean>('ours !== null && ours.closed'),
      );
      const read = `fetch('${stack.origin}/', { credentials: 'include' }).then(() => 'read', () => 'kept out')`;
      expect(await page.evaluate(read)).toBe('kept out');
    }
    await mira.close();
  });
});
