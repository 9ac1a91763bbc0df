import { Connection } from '@temporalio/client';
import { registerSearchAttributes } from './search-attributes';
import { type WaitOptions, waitUntil } from './wait-until';

export interface TemporalPlace {
  readonly address: string;
  readonly namespace: string;
}

const ATTEMPT_MS = 1_000;

/** Waits until a Temporal server answers for the namespace and knows the search attributes. */
export const waitForTemporal = (place: TemporalPlace, waiting: Omit<WaitOptions, 'what'>): Promise<void> =>
  waitUntil({ ...waiting, what: `Temporal at ${place.address}` }, () => askOnce(place));

async function askOnce({ address, namespace }: TemporalPlace): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: ATTEMPT_MS });
  try {
    await connection.withDeadline(Date.now() + ATTEMPT_MS, async () => {
      await connection.workflowService.describeNamespace({ namespace });
      await registerSearchAttributes(connection, namespace);
    });
  } finally {
    await connection.close();
  }
}
