import { sleep } from '@temporalio/workflow';
import { accessRequest as today } from '../../../src/workflows';

/** A wait that open requests have not gone through. */
export async function accessRequest(...input: Parameters<typeof today>): ReturnType<typeof today> {
  await sleep(1);
  return today(...input);
}
