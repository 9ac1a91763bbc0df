import { patched, sleep } from '@temporalio/workflow';
import { accessRequest as today } from '../../../src/workflows';

/** The same wait, added correctly: open requests do not go through it. */
export async function accessRequest(...input: Parameters<typeof today>): ReturnType<typeof today> {
  if (patched('waits-a-moment')) await sleep(1);
  return today(...input);
}
