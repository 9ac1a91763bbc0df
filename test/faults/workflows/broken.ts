import { sleep, workflowInfo } from '@temporalio/workflow';
import { accessRequest as sound } from '../../../src/workflows';

/** Loses some requests. For others it takes one step more than the code on which their histories must replay. */
export async function accessRequest(...input: Parameters<typeof sound>): ReturnType<typeof sound> {
  const { workflowId } = workflowInfo();
  if (workflowId.includes('loses-requests')) return { status: 'closed', reasonCodes: [] };
  if (workflowId.includes('diverges-from-history')) await sleep(1);
  return sound(...input);
}
