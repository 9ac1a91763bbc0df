import { defaultPayloadConverter, type Payload, type PayloadConverter } from '@temporalio/common';

/** Takes the place of a payload that could not be decoded. No schema accepts it, so it is refused as `MALFORMED`. */
export const UNDECODABLE = { undecodable: true } as const;

/**
 * The default converter, except that decoding never throws. An exception here would fail the workflow task for ever, and
 * with it the timer that ends a grant: one bad message would keep emergency access open.
 */
class TotalPayloadConverter implements PayloadConverter {
  toPayload<T>(value: T): Payload {
    return defaultPayloadConverter.toPayload(value);
  }

  fromPayload<T>(payload: Payload): T {
    try {
      if (isTooDeep(payload.data)) return UNDECODABLE as T;
      return defaultPayloadConverter.fromPayload<T>(payload);
    } catch {
      return UNDECODABLE as T;
    }
  }
}

/** Deeper than any legitimate message. JSON that is nested deeper may parse and still overflow the stack when written. */
const DEEPEST = 64;
const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const OPENING: readonly number[] = [0x5b, 0x7b];
const CLOSING: readonly number[] = [0x5d, 0x7d];

/** Counts brackets outside strings. If the data is not JSON the count means nothing, but such data is refused anyway. */
function isTooDeep(data: Uint8Array | null | undefined): boolean {
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < (data?.length ?? 0); index += 1) {
    const byte = data?.[index] ?? 0;
    if (isInString) {
      if (byte === BACKSLASH) index += 1;
      else if (byte === QUOTE) isInString = false;
    } else if (byte === QUOTE) isInString = true;
    else if (OPENING.includes(byte)) {
      depth += 1;
      if (depth > DEEPEST) return true;
    } else if (CLOSING.includes(byte)) depth -= 1;
  }
  return false;
}

export const payloadConverter: PayloadConverter = new TotalPayloadConverter();
