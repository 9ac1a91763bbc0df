import { accessRequest as today } from '../../../src/workflows';

/** Ends without doing what open requests have done. */
export async function accessRequest(...input: Parameters<typeof today>): ReturnType<typeof today> {
  void today;
  return { status: input.length > 0 ? 'closed' : 'failed', reasonCodes: [] };
}
