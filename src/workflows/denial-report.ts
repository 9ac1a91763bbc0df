import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/types';
import type { Result } from '../domain/refusal';

const { reportDenial } = proxyActivities<Pick<Activities, 'reportDenial'>>({
  startToCloseTimeout: '10s',
  retry: { initialInterval: '200ms', maximumInterval: '10s' },
});

/** Carries a policy enforcement point's report to the record. It decides nothing: the signature is what counts. */
export async function denialReport(envelope: unknown): Promise<Result<{ readonly id: string }>> {
  return reportDenial(envelope);
}
