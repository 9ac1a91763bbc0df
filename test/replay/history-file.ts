import { readFileSync, writeFileSync } from 'node:fs';
import type { History } from '@temporalio/common/lib/proto-utils';
import { temporal } from '@temporalio/proto';

const { History: HistoryMessage } = temporal.api.history.v1;

/** Histories as JSON: bytes in base64, numbers past 53 bits as text, enumerations by name. */
export function writeHistory(file: string, history: History): void {
  const plain = HistoryMessage.toObject(HistoryMessage.fromObject(history), {
    bytes: String,
    longs: String,
    enums: String,
  });
  // Remove the name of the machine that recorded it; replay does not need it.
  const text = JSON.stringify(plain).replaceAll(/\d+@[\w.-]*/g, 'recorder');
  writeFileSync(file, `${text}\n`);
}

export function readHistory(file: string): History {
  return HistoryMessage.fromObject(JSON.parse(readFileSync(file, 'utf8')));
}
