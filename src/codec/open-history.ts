import type { Payload, PayloadCodec } from '@temporalio/common';
import type { History } from '@temporalio/common/lib/proto-utils';
import { keyIdOf } from './sealed-payload';

/** A history with its payloads in clear, so that it can be replayed, read and exported by whoever has no key. */
export async function openHistory(history: History, codecs: readonly PayloadCodec[]): Promise<History> {
  if (codecs.length > 0) await openWithin(history, codecs);
  return history;
}

async function openWithin(value: unknown, codecs: readonly PayloadCodec[]): Promise<void> {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  for (const [name, member] of Object.entries(value)) {
    if (isEncrypted(member)) Object.assign(value, { [name]: await opened(member, codecs) });
    else await openWithin(member, codecs);
  }
}

async function opened(payload: Payload, codecs: readonly PayloadCodec[]): Promise<Payload> {
  let payloads = [payload];
  for (const codec of codecs.toReversed()) payloads = await codec.decode(payloads);
  return payloads[0] ?? payload;
}

function isEncrypted(value: unknown): value is Payload {
  return (
    typeof value === 'object' &&
    value !== null &&
    'metadata' in value &&
    keyIdOf(value as Payload) !== undefined
  );
}
