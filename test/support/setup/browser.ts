import { provideChromium } from '../../browser/support/chromium';
import globalSetup from '../global-setup';
import { provideKeycloak } from '../keycloak';

/** Gets what the suite needs before its first test, because a test has less time than a build takes. */
export default async function setUp(): Promise<void> {
  await globalSetup();
  provideChromium();
  provideKeycloak();
}
