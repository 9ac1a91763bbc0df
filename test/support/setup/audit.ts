import globalSetup from '../global-setup';
import { s3Program } from '../s3';

/** Gets what the suite needs before its first test, because a test has less time than a build takes. */
export default async function setUp(): Promise<void> {
  await globalSetup();
  s3Program();
}
