import globalSetup from '../global-setup';
import { provideSlapd } from '../ldap';
import { serverBinaries } from '../postgres';

/** Gets what the suite needs before its first test, because a test has less time than a build takes. */
export default async function setUp(): Promise<void> {
  await globalSetup();
  serverBinaries();
  provideSlapd();
}
