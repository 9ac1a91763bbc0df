import { patched } from '@temporalio/workflow';
import { accessRequest as today } from '../../../src/workflows';

/** The workflow as a later version might be: new requests take a new path, open ones keep theirs. */
export async function accessRequest(...input: Parameters<typeof today>): ReturnType<typeof today> {
  patched('a-later-version');
  return today(...input);
}
