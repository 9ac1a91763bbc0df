import { TestWorkflowEnvironment } from '@temporalio/testing';
import { toStderr } from '../../src/stack/announce';
import { timeSkippingExecutable } from './time-skipping-server';

/** The SDK waits five seconds for a server. On busy cores the Java server may take longer. */
const STARTS = 5;

/**
 * A Temporal server whose clock jumps to the next timer. It has no visibility: lists and search attributes are tested
 * on the dev server (`startTestServer`). Call `teardown` in `afterAll`.
 */
export async function createTimeSkippingEnvironment(): Promise<TestWorkflowEnvironment> {
  const executable = await timeSkippingExecutable(toStderr);
  for (let left = STARTS; ; left -= 1) {
    try {
      return await TestWorkflowEnvironment.createTimeSkipping({ server: { executable } });
    } catch (error) {
      if (left <= 1) throw error;
    }
  }
}
