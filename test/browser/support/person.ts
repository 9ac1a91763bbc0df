import type { Browser, BrowserContext, CDPSession, Locator, Page } from 'playwright-core';
import { addAuthenticator, openWithAuthenticator } from '../../../src/cli/demo/browser';
import type { PageStack } from '../../support/pages';
import type { SoftwarePasskey } from '../../support/signing/passkey';

export interface Screen {
  readonly colorScheme?: 'light' | 'dark';
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly deviceScaleFactor?: number;
}

/** A person with a browser of their own, and their passkey in its authenticator. */
export class Person {
  #ceremonies = 0;

  private constructor(
    readonly stack: PageStack,
    readonly context: BrowserContext,
    readonly page: Page,
    private readonly devtools: CDPSession,
    private readonly authenticatorId: string,
  ) {}

  static async open(
    stack: PageStack,
    browser: Browser,
    person: string,
    screen: Screen = {},
  ): Promise<Person> {
    const one = await Person.withoutPasskey(stack, browser, screen);
    await one.hold(stack.passkey(person), person);
    return one;
  }

  /** Somebody whose authenticator holds no passkey yet. */
  static async withoutPasskey(stack: PageStack, browser: Browser, screen: Screen = {}): Promise<Person> {
    const context = await browser.newContext({ baseURL: stack.origin, ...screen });
    const { page, devtools, authenticatorId } = await openWithAuthenticator(context);
    return new Person(stack, context, page, devtools, authenticatorId);
  }

  /** Plugs in a further authenticator, which holds nothing yet, and is the one that its person touches to make a passkey. */
  async plugIn(transport: 'usb'): Promise<void> {
    const second = await addAuthenticator(this.devtools, transport);
    // Touching the one that holds no fitting passkey would end the ceremony.
    const touch = (authenticatorId: string, enabled: boolean) =>
      this.devtools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled });
    const touchFirst = async (isFirst: boolean) => {
      await touch(this.authenticatorId, isFirst);
      await touch(second, !isFirst);
    };
    await this.page.exposeFunction('touchFirst', touchFirst);
    await this.page.evaluate(`{
      const create = navigator.credentials.create.bind(navigator.credentials);
      navigator.credentials.create = async (options) => {
        await touchFirst(false);
        try { return await create(options); } finally { await touchFirst(true); }
      };
    }`);
  }

  /** Puts a passkey into the authenticator. */
  async hold(passkey: SoftwarePasskey, person: string): Promise<void> {
    await this.devtools.send('WebAuthn.addCredential', {
      authenticatorId: this.authenticatorId,
      credential: {
        credentialId: Buffer.from(passkey.credentialId, 'base64url').toString('base64'),
        isResidentCredential: true,
        rpId: 'localhost',
        privateKey: passkey.privateKey,
        userHandle: Buffer.from(person).toString('base64'),
        // Two browsers with the same counts would be a passkey and its copy.
        signCount: passkey.lend(),
      },
    });
  }

  /** Makes the authenticator refuse or agree to verify its user (PIN, finger, face). */
  async verifies(isUserVerified: boolean): Promise<void> {
    const { authenticatorId } = this;
    await this.devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
  }

  /** Opens a page, and signs in on the way if that is needed. */
  async visit(path: string): Promise<Page> {
    await this.page.goto(path).catch((error: unknown) => {
      // A page that brings itself up to date at this moment gets in the way of the link.
      if (!(error instanceof Error && /interrupted by another navigation|ERR_ABORTED/.test(error.message)))
        throw error;
      return this.page.goto(path);
    });
    if (new URL(this.page.url()).pathname === '/sign-in') {
      await this.page.getByRole('button', { name: 'Use a passkey' }).click();
      await this.page.waitForURL((url) => url.pathname !== '/sign-in');
    }
    return this.page;
  }

  /** Opens the form of a verb if it is closed, fills it in, and signs it. Returns what the page then says. */
  async sign(
    button: string,
    fields: Readonly<Record<string, string>> = {},
    within: Locator = this.page.locator('main'),
  ): Promise<string> {
    const summary = within.locator('summary', { hasText: new RegExp(`^${button} …$`) });
    if ((await summary.count()) > 0) await summary.click();
    const form = within.locator('form.decide', {
      has: this.page.getByRole('button', { name: button, exact: true }),
    });
    for (const [name, value] of Object.entries(fields)) {
      const field = form.locator(`[name="${name}"]`);
      if ((await field.evaluate((one) => one.tagName)) === 'SELECT') await field.selectOption(value);
      else await field.fill(value);
    }
    await form.getByRole('button', { name: button, exact: true }).click();
    const said = this.page.locator('#said.good, #said.bad');
    await said.waitFor();
    return said.innerText();
  }

  /** Counts from now on how often the passkey is asked for. */
  async countCeremonies(): Promise<void> {
    await this.context.exposeFunction('noteCeremony', () => {
      this.#ceremonies += 1;
    });
    await this.context.addInitScript(`{
      const get = navigator.credentials.get.bind(navigator.credentials);
      navigator.credentials.get = (options) => { noteCeremony(); return get(options); };
    }`);
  }

  ceremonies(): number {
    return this.#ceremonies;
  }

  close(): Promise<void> {
    return this.context.close();
  }
}
