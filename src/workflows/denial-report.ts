import type { Result } from '../domain/refusal';
import { reporting } from './activity-proxies';

/** Carries a policy enforcement point's report to the record. It decides nothing: the signature is what counts. */
export async function denialReport(envelope: unknown): Promise<Result<{ readonly id: string }>> {
  return reporting.reportDenial(envelope);
}
