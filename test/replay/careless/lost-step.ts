import { accessRequest as today } from '../../../src/workflows';

/** Ends without the steps that open requests have taken. */
export async function accessRequest(...input: Parameters<typeof today>): ReturnType<typeof today> {
  void today;
  return { status: input.length > 0 ? 'closed' : 'failed', reasonCodes: [] };
}
