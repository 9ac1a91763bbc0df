import type { Browser } from 'playwright-core';
import { findChromium, startChromium as start } from '../../../src/cli/demo/browser';
import { installDebian } from '../../support/debian';

export function provideChromium(): void {
  if (findChromium() === undefined) installDebian('chromium');
}

/** Starts a real Chromium. Installs the Debian package if it is missing. @throws Error that says how to get one */
export async function startChromium(): Promise<Browser> {
  provideChromium();
  const browser = await start();
  if (browser === undefined) throw new Error('set COUNTERSIGN_CHROMIUM to where Chromium is');
  return browser;
}
