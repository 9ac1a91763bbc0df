import { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contracts/names';
import { type Waiting, waitUntil } from './wait-until';

export interface TemporalPlace {
  readonly address: string;
  readonly namespace: string;
}

const ATTEMPT_MS = 1_000;

/** Waits until a Temporal server answers for the namespace and knows the search attributes. */
export const waitForTemporal = (place: TemporalPlace, waiting: Omit<Waiting, 'what'>): Promise<void> =>
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

/** Registers the search attributes that the namespace lacks. A database file keeps those of the version that made it. */
export async function registerSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => !(name in customAttributes));
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, VALUE_TYPES[type]])),
  });
}

/** The numbers of Temporal's enum `IndexedValueType`, whose package we have no other use for. */
const VALUE_TYPES = { KEYWORD: 2, BOOL: 5, DATETIME: 6, KEYWORD_LIST: 7 } as const;
