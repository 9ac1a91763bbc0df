import { existsSync } from 'node:fs';
import type { Browser, BrowserContext, CDPSession } from 'playwright-core';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Returns where Chromium is on this machine, or undefined if there is none. */
export const findChromium = (): string | undefined =>
  [process.env['COUNTERSIGN_CHROMIUM'] ?? '', ...PLACES].find((place) => place !== '' && existsSync(place));

/** Starts Chromium. Returns undefined if this machine has none, or this installation has not the library that drives it. */
export async function startChromium(): Promise<Browser | undefined> {
  const executablePath = findChromium();
  if (executablePath === undefined) return undefined;
  const library = await import('playwright-core').catch(() => undefined);
  // Chromium's sandbox does not start as root, as which containers run.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return library?.chromium.launch({ executablePath, args });
}

/** Adds an authenticator to a browser, which makes and uses passkeys as a phone or a security key does. Returns its id. */
export async function addAuthenticator(
  devtools: CDPSession,
  transport: 'internal' | 'usb' = 'internal',
): Promise<string> {
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport,
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return authenticatorId;
}

/** Opens a page in a browser of its own, with an authenticator that holds nothing yet. */
export async function openWithAuthenticator(context: BrowserContext) {
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('WebAuthn.enable', { enableUI: false });
  return { page, devtools, authenticatorId: await addAuthenticator(devtools) };
}
