import type { Message } from '../notice';

/** Where a person wants to be told by one channel. */
export interface Route {
  readonly channel: string;
  readonly address?: string;
  readonly mention?: string;
}

/**
 * A way to tell people. It is given a message that may go out, and takes it there or says why not. It decides nothing,
 * and nothing that comes back by it is read.
 */
export interface Notifier {
  /** @throws Undelivered where the other side has not taken it */
  deliver(message: Message, route: Route): Promise<void>;
  close(): void;
}

/** A message that was not taken. The reason holds no secret and no address. */
export class Undelivered extends Error {
  override readonly name = 'Undelivered';

  constructor(
    reason: string,
    /** Trying again cannot help. */
    readonly isFinal = false,
  ) {
    super(reason);
  }
}

/** What a status of HTTP says of a message that was posted. */
export function checkTaken(status: number): void {
  if (status >= 200 && status < 300) return;
  // A receiver that is busy or broken may take it later; one that refuses it will refuse it again.
  const isFinal = status >= 400 && status < 500 && status !== 408 && status !== 425 && status !== 429;
  throw new Undelivered(`the receiver answered ${status}`, isFinal);
}
