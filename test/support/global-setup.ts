import { existsSync } from 'node:fs';
import path from 'node:path';
import { announced, toStderr } from '../../src/stack/announce';
import { messageOf } from '../../src/stack/errors';
import { runCommand } from '../../src/stack/run-command';
import { findTemporalBinary } from '../../src/stack/temporal-binary';
import { timeSkippingExecutable } from './time-skipping-server';

const ROOT = path.resolve(__dirname, '../..');
const WORKFLOW_BUNDLE = path.join(ROOT, 'dist', 'workflow-bundle.js');

/** Finds, downloads or builds the servers that the tests start, once before all tests. */
export default async function globalSetup(): Promise<void> {
  await findTemporalBinary({ announce: toStderr });
  await timeSkippingExecutable(toStderr);
  if (!existsSync(WORKFLOW_BUNDLE)) await build();
}

/** `npm test` builds first; this is for `npx jest` in a fresh checkout. */
async function build(): Promise<void> {
  const script = path.join(ROOT, 'scripts', 'build.mjs');
  try {
    await announced(toStderr, 'building', () => runCommand(process.execPath, [script], process.env));
  } catch (error) {
    toStderr(
      `tests that run the built program will fail, because it could not be built: ${messageOf(error)}`,
    );
  }
}
