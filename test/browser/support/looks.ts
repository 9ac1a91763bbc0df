import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import type { Screen } from './person';

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** With this setting, each page is also drawn into a PNG of this folder. */
const PICTURES = process.env['COUNTERSIGN_PICTURES'];

/** Pictures are for looking at and for the docs, where small ones do. */
const SCALE = PICTURES === undefined ? {} : { deviceScaleFactor: 0.6 };

/** Both themes, and the width of a phone. */
export const SCREENS: readonly (readonly [name: string, screen: Screen])[] = [
  ['light', { colorScheme: 'light', viewport: { width: 1200, height: 900 }, ...SCALE }],
  ['dark', { colorScheme: 'dark', viewport: { width: 1200, height: 900 }, ...SCALE }],
  ['phone', { colorScheme: 'light', viewport: { width: 390, height: 844 }, ...SCALE }],
];

/** Returns what axe-core finds on a page, one line each. */
export async function findingsOf(page: Page): Promise<readonly string[]> {
  const devtools = await page.context().newCDPSession(page);
  // Into a world of its own, past the content security policy that keeps every other script out.
  const { frameTree } = await devtools.send('Page.getFrameTree');
  const { executionContextId: contextId } = await devtools.send('Page.createIsolatedWorld', {
    frameId: frameTree.frame.id,
  });
  const expression = `${AXE}; axe.run(document, { runOnly: ${JSON.stringify(RULES)} }).then((found) =>
    found.violations.map(({ id, nodes }) => id + ': ' + nodes.map((one) => one.target.join(' ')).join(', ')))`;
  const { result } = await devtools.send('Runtime.evaluate', {
    ...{ expression, contextId, awaitPromise: true, returnByValue: true },
  });
  return result.value;
}

/** Draws a page into a file, if pictures are wanted. */
export async function draw(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: path.join(PICTURES, `${name}.png`), fullPage: true });
}
