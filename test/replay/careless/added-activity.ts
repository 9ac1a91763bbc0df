import { proxyLocalActivities } from '@temporalio/workflow';
import { accessRequest as today } from '../../../src/workflows';

const { notify } = proxyLocalActivities<{ notify(): Promise<void> }>({ startToCloseTimeout: '5s' });

/** A call that open requests have not made. */
export async function accessRequest(...input: Parameters<typeof today>): ReturnType<typeof today> {
  await notify();
  return today(...input);
}
