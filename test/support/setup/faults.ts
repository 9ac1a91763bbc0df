import globalSetup from '../global-setup';
import { provideKeycloak } from '../keycloak';
import { provideSlapd } from '../ldap';
import { kubePrograms } from '../targets/kube';
import { provideMariadb } from '../targets/mariadb';
import { provideSshd } from '../targets/sshd';

/** Gets what the suite needs before its first test, because a test has less time than an installation takes. */
export default async function setUp(): Promise<void> {
  await globalSetup();
  kubePrograms();
  provideKeycloak();
  provideMariadb();
  provideSlapd();
  provideSshd();
}
