import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/types';

/** Assessing and verifying need nothing but the worker's own memory and the ledger, so they are retried for ever. */
export const judging = proxyLocalActivities<
  Pick<Activities, 'assess' | 'checkCarriedLog' | 'checkStatements'>
>({
  startToCloseTimeout: '10s',
  retry: { initialInterval: '200ms', maximumInterval: '10s' },
});

/** Acts on a target within the same workflow task, which saves a round trip on the way to a grant. Tried once. */
export const actingAtOnce = proxyLocalActivities<Pick<Activities, 'provision' | 'endAccess'>>({
  startToCloseTimeout: '5s',
  retry: { maximumAttempts: 1 },
});

/** If that fails, the server schedules the act, visible to operators, and retries it until it is done. */
export const actingDurably = proxyActivities<Pick<Activities, 'provision' | 'endAccess'>>({
  startToCloseTimeout: '30s',
  cancellationType: 'TRY_CANCEL',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
});

/** Records a denial report; waits for the ledger however long it is away. */
export const reporting = proxyActivities<Pick<Activities, 'reportDenial'>>({
  startToCloseTimeout: '10s',
  retry: { initialInterval: '200ms', maximumInterval: '10s' },
});
