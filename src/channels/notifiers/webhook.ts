import { addressFor, post, type Resolve } from '../../outbound/post';
import { webhookHeaders } from '../../outbound/standard-webhooks';
import { type Links, letterOf } from '../compose';
import type { Message } from '../notice';
import { checkTaken, type Notifier, Undelivered } from './contract';

export interface WebhookNotifierOptions {
  readonly url: URL;
  readonly secret: Buffer;
  readonly allowInternal: boolean;
  readonly links?: Links;
  readonly resolve?: Resolve;
}

/** Posts messages as JSON, signed as Standard Webhooks 1.0 says. */
export class WebhookNotifier implements Notifier {
  constructor(private readonly options: WebhookNotifierOptions) {}

  async deliver(message: Message): Promise<undefined> {
    const { secret, links } = this.options;
    const body = JSON.stringify(bodyOf(message, links));
    await postTo(this.options, body, webhookHeaders(secret, message.id, body));
  }

  close(): void {}
}

/** Posts to a URL, resolved at this moment, if its address is allowed. */
export async function postTo(
  { url, allowInternal, resolve }: Pick<WebhookNotifierOptions, 'url' | 'allowInternal' | 'resolve'>,
  body: string,
  headers?: Readonly<Record<string, string>>,
): Promise<void> {
  const address = await addressFor(url, { allowInternal }, resolve);
  if (address === undefined)
    throw new Undelivered('the receiver cannot be found, or has an internal address that is not allowed');
  const answer = await post({ url, address }, body, headers).catch(() => {
    throw new Undelivered('the receiver cannot be reached');
  });
  checkTaken(answer);
}

function bodyOf(message: Message, links: Links | undefined) {
  const { subject, items, more } = letterOf(message, links);
  return {
    type: 'countersign.notice',
    timestamp: new Date(message.createdAtMs).toISOString(),
    data: {
      person: message.person,
      subject,
      items: items.map((item, index) => ({
        kind: message.notices[index]?.kind,
        request: message.notices[index]?.request,
        digest: message.notices[index]?.subject.digest,
        headline: item.headline,
        facts: item.facts,
        ...(item.quote !== undefined && { requester_words: item.quote }),
        commands: item.commands,
        ...(item.page !== undefined && { page: item.page }),
      })),
      more,
    },
  };
}
