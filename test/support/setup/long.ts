import { provideKeycloak } from '../keycloak';
import integration from './integration';

/** Gets what the suite needs before its first test, because a test has less time than a build takes. */
export default async function setUp(): Promise<void> {
  await integration();
  provideKeycloak();
}
