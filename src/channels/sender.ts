import type { Logger } from '../contracts/logger';
import type { Looker } from './look';
import type { NotificationCounts } from './notice';
import { type Message, NOTICES_IN_A_MESSAGE, type Notice } from './notice';
import { Undelivered } from './notifiers/contract';
import type { Pace } from './notify-file';
import type { NotifySetup } from './read-notify-file';
import type { Claim, DeliveryEnd, NoticeStore } from './store';

export interface SenderOptions {
  readonly looker: Looker;
  readonly store: NoticeStore;
  readonly logger: Logger;
  readonly nowMs: () => number;
  readonly claimMs: number;
  readonly counts: NotificationCounts;
}

/** Most messages by one channel in one pass. */
const AT_MOST = 100;
const FIRST_PAUSE_MS = 10_000;
const LONGEST_PAUSE_MS = 600_000;

/** Sends due messages. Channels are independent: one that is down does not hold up the others. */
export class Sender {
  constructor(private readonly options: SenderOptions) {}

  async sendAll(setup: NotifySetup, signal: AbortSignal): Promise<void> {
    const channels = [...setup.notifiers.keys()];
    await Promise.all(channels.map((channel) => this.#sendBy(channel, setup, signal)));
  }

  async #sendBy(channel: string, setup: NotifySetup, signal: AbortSignal): Promise<void> {
    const { store, nowMs, claimMs } = this.options;
    for (let sent = 0; sent < AT_MOST && !signal.aborted; sent += 1) {
      const claim = await store.claim(channel, nowMs(), claimMs);
      if (claim === undefined) return;
      if (!(await this.#send(claim, channel, setup))) return;
    }
  }

  /** Sends one message. Returns false if the channel should not be tried again in this pass. */
  async #send(claim: Claim, channel: string, { config, notifiers }: NotifySetup): Promise<boolean> {
    const { store, logger, nowMs, counts } = this.options;
    const route = config.people[claim.person]?.find((one) => one.channel === channel);
    const notifier = notifiers.get(channel);
    const end = (how: DeliveryEnd) => store.end(claim, channel, how, nowMs());
    try {
      // A notice may be outdated by now. Outdated ones are not sent.
      const message = await this.#messageOf(claim, config.pace);
      if (message === undefined || route === undefined || notifier === undefined) {
        counts.void += 1;
        await end('void');
        return true;
      }
      await notifier.deliver(message, {
        channel,
        ...(route.address !== undefined && { address: route.address }),
        ...(route.mention !== undefined && { mention: route.mention }),
      });
      counts.sent += 1;
      await end('sent');
      logger.info({ channel, person: claim.person, message: claim.messageId }, 'told');
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown';
      const about = { channel, person: claim.person, message: claim.messageId, tries: claim.tries, reason };
      const isFinal = error instanceof Undelivered && error.isFinal;
      if (isFinal || nowMs() - claim.createdAtMs >= config.pace.giveUpAfter) {
        counts.givenUp += 1;
        await end('failed');
        logger.error(about, 'ALERT a message could not be delivered and is given up');
        return isFinal;
      }
      counts.putOff += 1;
      const backOffMs = Math.min(FIRST_PAUSE_MS * 2 ** (claim.tries - 1), LONGEST_PAUSE_MS);
      const pauseMs = Math.max(backOffMs, error instanceof Undelivered ? error.pauseMs : 0);
      await store.putOff(claim, channel, nowMs() + pauseMs);
      logger.warn(about, 'a message was not taken; it is tried again');
      // Failing to read the requests is not the channel's fault.
      return !(error instanceof Undelivered);
    }
  }

  /** Returns the message as it is true now, or undefined if none of it is. */
  async #messageOf(claim: Claim, pace: Pace): Promise<Message | undefined> {
    const { looker, store } = this.options;
    const keysOf = new Map<string, Set<string>>();
    for (const { key, request } of claim.notices)
      keysOf.set(request, (keysOf.get(request) ?? new Set()).add(key));
    const notices: Notice[] = [];
    const stale: string[] = [];
    let unread = claim.notices.length;
    for (const [request, keys] of keysOf) {
      if (notices.length >= NOTICES_IN_A_MESSAGE) break;
      unread -= keys.size;
      const current = await looker.current(request, keys, pace);
      for (const key of keys) {
        const found = current.get(key);
        if (found?.person === claim.person) notices.push(found);
        else stale.push(key);
      }
    }
    await store.retract(stale);
    if (notices.length === 0) return undefined;
    const { messageId: id, person, createdAtMs } = claim;
    return { id, person, createdAtMs, notices, more: unread };
  }
}
