import type { PostAnswer } from '../../outbound/post';
import { retryAfterMs } from '../../outbound/retry-after';
import type { Message } from '../notice';

/** Where a person gets messages by one channel. */
export interface Route {
  readonly channel: string;
  readonly address?: string;
  readonly mention?: string;
}

/** Where a message is at the other side, in that side's own ids. */
export interface Posted {
  readonly conversation: string;
  readonly message: string;
}

/**
 * The contract for a channel that tells people. It decides nothing. What people choose in a channel comes back to the gateway
 * (`src/gateway/chosen.ts`). `test/support/channels/contract.ts` tries every channel against this contract.
 */
export interface Notifier {
  /**
   * Sends a message to one person. Returns where it is, if it can be brought up to date there.
   *
   * @throws Undelivered if the other side did not accept the message
   */
  deliver(message: Message, route: Route): Promise<Posted | undefined>;
  /**
   * Puts a message as it is now in place of one that was sent. The same again changes nothing. Absent if what was sent stays.
   *
   * @throws Undelivered if the other side did not accept it
   */
  bringUpToDate?(posted: Posted, message: Message): Promise<void>;
  close(): void;
}

/** A message that was not accepted. The reason contains no secret and no address. */
export class Undelivered extends Error {
  override readonly name = 'Undelivered';

  constructor(
    reason: string,
    /** True if a retry cannot help. */
    readonly isFinal = false,
    /** How long the other side wants to be left alone. */
    readonly pauseMs = 0,
  ) {
    super(reason);
  }
}

/** @throws Undelivered unless the answer says that the message was accepted; final if it will be refused again */
export function checkTaken({ status, retryAfter }: PostAnswer): void {
  if (status >= 200 && status < 300) return;
  // Busy or broken receivers may accept it later.
  const isFinal = status >= 400 && status < 500 && status !== 408 && status !== 425 && status !== 429;
  throw new Undelivered(`the receiver answered ${status}`, isFinal, retryAfterMs(retryAfter, Date.now()));
}
