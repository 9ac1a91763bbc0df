import type { History } from '@temporalio/common/lib/proto-utils';
import { temporal } from '@temporalio/proto';
import type { z } from 'zod';
import type { historySchema } from './schema';

const { History: HistoryMessage } = temporal.api.history.v1;

/**
 * Converts a history to the form that evidence holds: the fields of `temporal.api.history.v1.History` by name, bytes in base64, numbers past 53
 * bits as text, enumerations by name, times as seconds and nanoseconds.
 */
export function historyToPlain(history: History): z.infer<typeof historySchema> {
  const options = { bytes: String, longs: String, enums: String } as const;
  return JSON.parse(JSON.stringify(HistoryMessage.toObject(HistoryMessage.fromObject(history), options)));
}

/**
 * Converts a history back.
 *
 * @throws TypeError if it is not a history
 */
export function historyFromPlain(plain: z.infer<typeof historySchema>): History {
  return HistoryMessage.fromObject(plain);
}
