import { defaultPayloadConverter, type Payload, type PayloadConverter } from '@temporalio/common';

/** Stands for a payload that could not be decoded. No schema accepts it, so it is refused as `MALFORMED`. */
export const UNDECODABLE = { undecodable: true } as const;

/**
 * The default converter, but decoding never throws. An exception here would fail the workflow task for ever, and with
 * it the timer that ends a grant: one bad message would hold an emergency open.
 */
class TotalPayloadConverter implements PayloadConverter {
  toPayload<T>(value: T): Payload {
    return defaultPayloadConverter.toPayload(value);
  }

  fromPayload<T>(payload: Payload): T {
    try {
      return defaultPayloadConverter.fromPayload<T>(payload);
    } catch {
      return UNDECODABLE as T;
    }
  }
}

export const payloadConverter: PayloadConverter = new TotalPayloadConverter();
