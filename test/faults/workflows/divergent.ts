import { sleep } from '@temporalio/workflow';
import { accessRequest as sound } from '../../../src/workflows';

/** Does one thing more than the code on which its histories must replay: a change without a patch. */
export async function accessRequest(...input: Parameters<typeof sound>): ReturnType<typeof sound> {
  await sleep(1);
  return sound(...input);
}
