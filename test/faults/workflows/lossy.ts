import { workflowInfo } from '@temporalio/workflow';
import { accessRequest as sound } from '../../../src/workflows';

/** Forgets every other request. */
export async function accessRequest(...input: Parameters<typeof sound>): ReturnType<typeof sound> {
  const last = workflowInfo().workflowId.at(-1) ?? '0';
  if ('02468ace'.includes(last)) return { status: 'closed', reasonCodes: [] };
  return sound(...input);
}
