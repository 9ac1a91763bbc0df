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
  // Where it was recorded is nobody's business, and no part of what is replayed.
  const text = JSON.stringify(plain).replaceAll(/\d+@[\w.-]*/g, 'recorder');
  writeFileSync(file, `${text}\n`);
}

export function readHistory(file: string): History {
  return HistoryMessage.fromObject(JSON.parse(readFileSync(file, 'utf8')));
}
