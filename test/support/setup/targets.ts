import globalSetup from '../global-setup';
import { provideKeycloak } from '../keycloak';
import { provideSlapd } from '../ldap';
import { helmProgram } from '../targets/helm';
import { kubePrograms } from '../targets/kube';
import { provideMariadb } from '../targets/mariadb';
import { provideMoto } from '../targets/moto';
import { provideSshd } from '../targets/sshd';
import { clusterPrograms } from '../temporal-cluster';

/** Gets what the suite needs before its first test, because a test has less time than a build takes. */
export default async function setUp(): Promise<void> {
  await globalSetup();
  clusterPrograms();
  helmProgram();
  kubePrograms();
  provideKeycloak();
  provideMariadb();
  provideMoto();
  provideSlapd();
  provideSshd();
}
