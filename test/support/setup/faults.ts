import globalSetup from '../global-setup';
import { provideSlapd } from '../ldap';

/** Gets what the suite needs before its first test, because a test has less time than an installation takes. */
export default async function setUp(): Promise<void> {
  await globalSetup();
  provideSlapd();
}
