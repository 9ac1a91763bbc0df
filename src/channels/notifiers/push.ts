import { generateRequestDetails, type RequestOptions } from 'web-push';
import { addressFor, type PostAnswer, post, type Resolve } from '../../outbound/post';
import type { PushSubscription, PushSubscriptions } from '../../push/subscriptions';
import { countsOf } from '../compose';
import type { Message } from '../notice';
import { checkTaken, type Notifier, Undelivered } from './contract';

/** After this, a push service drops what it could not hand over: by then it is likely to be out of date. */
const KEPT_SECONDS = 4 * 3_600;
/** The browser has unsubscribed, or is gone (RFC 8030 section 7.3). */
const GONE: readonly number[] = [404, 410];

export interface PushNotifierOptions {
  /** The key that push services know us by (VAPID, RFC 8292), and how their operators reach us. */
  readonly vapid: NonNullable<Exclude<RequestOptions['vapidDetails'], null>>;
  /** Who subscribed. Absent where there is no database: nothing can be sent then. */
  readonly subscriptions: PushSubscriptions | undefined;
  readonly allowInternal: boolean;
  readonly resolve?: Resolve;
}

/**
 * Sends messages to the browsers in which a person subscribed (Web Push), encrypted for each. It says how many things wait and names none: a
 * locked screen may show it.
 */
export class PushNotifier implements Notifier {
  constructor(private readonly options: PushNotifierOptions) {}

  async deliver(message: Message): Promise<undefined> {
    const { subscriptions } = this.options;
    if (subscriptions === undefined)
      throw new Undelivered('there is no database here that says who subscribed', true);
    const browsers = await subscriptions.of(message.person);
    const text = JSON.stringify(payloadOf(message));
    let failed: unknown;
    let taken = 0;
    for (const browser of browsers) {
      try {
        const answer = await this.#send(browser, text);
        if (GONE.includes(answer.status)) await subscriptions.remove(message.person, browser.endpoint);
        else {
          checkTaken(answer);
          taken += 1;
        }
      } catch (error) {
        failed = error;
      }
    }
    // One browser that cannot be reached must not make the others be told twice.
    if (taken === 0 && failed !== undefined) throw failed;
  }

  close(): void {}

  /** @throws Undelivered if the push service cannot be reached, or must not be */
  async #send(browser: PushSubscription, text: string): Promise<PostAnswer> {
    const { vapid, allowInternal, resolve } = this.options;
    const url = new URL(browser.endpoint);
    const address = await addressFor(url, { allowInternal }, resolve);
    if (address === undefined || (url.protocol !== 'https:' && !allowInternal))
      throw new Undelivered('a push service cannot be found, or has an internal address', true);
    const { headers, body } = generateRequestDetails(browser, text, {
      vapidDetails: vapid,
      TTL: KEPT_SECONDS,
      urgency: 'high',
    });
    const sent = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
    return post({ url, address }, body ?? '', Object.fromEntries(sent)).catch(() => {
      throw new Undelivered('a push service cannot be reached');
    });
  }
}

/** What the service worker of the pages shows. */
function payloadOf({ notices, more }: Message) {
  const [first] = notices;
  const page = notices.length === 1 && more === 0 && first !== undefined ? `/requests/${first.request}` : '/';
  return { body: notices.length === 0 ? 'a test message' : countsOf(notices, more), page };
}
