import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contracts/names';
import { messageOf } from './errors';

export interface ReadyOptions {
  readonly address: string;
  readonly namespace: string;
  readonly timeoutMs: number;
  /** Says why waiting is in vain, for example that the server has ended. */
  readonly givenUp?: () => string | undefined;
}

const TRY_EVERY_MS = 150;

/** Waits until a Temporal server answers for the namespace and knows the search attributes. */
export async function waitForTemporal(options: ReadyOptions): Promise<void> {
  const until = Date.now() + options.timeoutMs;
  let last: unknown = 'it was not asked';
  while (Date.now() < until) {
    const reason = options.givenUp?.();
    if (reason !== undefined) throw new Error(reason);
    try {
      await askOnce(options, Math.min(2_000, Math.max(until - Date.now(), 1)));
      return;
    } catch (error) {
      last = error;
    }
    await sleep(TRY_EVERY_MS);
  }
  throw new Error(
    `Temporal at ${options.address} did not answer within ${options.timeoutMs / 1000} s: ${messageOf(last)}`,
  );
}

async function askOnce(options: ReadyOptions, timeoutMs: number): Promise<void> {
  const connection = await Connection.connect({ address: options.address, connectTimeout: timeoutMs });
  try {
    await connection.withDeadline(Date.now() + timeoutMs, async () => {
      await connection.workflowService.describeNamespace({ namespace: options.namespace });
      await registerSearchAttributes(connection, options.namespace);
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
