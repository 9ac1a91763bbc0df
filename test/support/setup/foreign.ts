import { provideChromium } from '../../browser/support/chromium';
import { goTools } from '../../foreign/support/go-tools';
import { inspector } from '../../foreign/support/inspector';
import { npmTools } from '../../foreign/support/npm-tools';
import { pythonTools } from '../../foreign/support/python-tools';
import globalSetup from '../global-setup';
import { nodeRelease } from '../node-release';

/** Gets what the suite needs before its first test, because a test has less time than a build takes. */
export default async function setUp(): Promise<void> {
  await globalSetup();
  // The demo has a scene in a browser.
  provideChromium();
  goTools();
  npmTools();
  inspector();
  pythonTools();
  for (const major of [22, 24, 26] as const) nodeRelease(major);
}
