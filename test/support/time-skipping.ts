import { TestWorkflowEnvironment } from '@temporalio/testing';
import { toStderr } from '../../src/stack/announce';
import { timeSkippingExecutable } from './time-skipping-server';

/**
 * A Temporal server whose clock jumps to the next timer. It has no visibility: lists and search attributes are tested
 * on the dev server (`startTestServer`). Call `teardown` in `afterAll`.
 */
export async function createTimeSkippingEnvironment(): Promise<TestWorkflowEnvironment> {
  const executable = await timeSkippingExecutable(toStderr);
  return TestWorkflowEnvironment.createTimeSkipping({ server: { executable } });
}
