import { z } from 'zod';
import { mattermostContext, mattermostId } from '../../contracts/mattermost';
import { boundedJson } from '../../outbound/answer';
import { retryAfterMs } from '../../outbound/retry-after';
import { type Links, letterOf } from '../compose';
import type { Message, Notice } from '../notice';
import { nameOf } from '../words';
import { chatBodyOf } from './chat';
import { checkTaken, type Notifier, type Posted, type Route, Undelivered } from './contract';

export interface MattermostNotifierOptions {
  /** The address of the server. */
  readonly url: string;
  readonly token: string;
  readonly links?: Links;
  /** Where presses of buttons go, and the secret that the gateway there knows them by. Without it, messages have no buttons. */
  readonly choices?: { readonly gateway: string; readonly secret: string };
}

const ANSWER_WITHIN_MS = 10_000;
const ANSWER_BYTES = 1024 * 1024;
/** Mattermost takes 16,383 characters in a message. */
const TEXT_CHARACTERS = 15_000;
const LEFT_OUT = 'The rest does not fit here: read the requests on their pages.';
/** Messages of more requests have no buttons: whoever presses one has to have read it. */
const MOST_WITH_BUTTONS = 3;
const BUTTON_LIFE_MS = 7 * 86_400_000;

const idSchema = z.object({ id: mattermostId });

/**
 * Writes messages as the bot, to the member that a route mentions: a conversation of two. Where the stage names `mattermost`, a button approves
 * there. Everything else is done on the request's page.
 */
export class MattermostNotifier implements Notifier {
  #self: Promise<string> | undefined;

  constructor(private readonly options: MattermostNotifierOptions) {}

  async deliver(message: Message, { mention }: Route): Promise<Posted> {
    const account = mattermostId.safeParse(mention);
    if (!account.success) throw new Undelivered('there is no member to write to', true);
    this.#self ??= this.#call('GET', '/users/me');
    const self = await this.#self.catch((error: unknown) => {
      this.#self = undefined;
      throw error;
    });
    const conversation = await this.#call('POST', '/channels/direct', [self, account.data]);
    const post = mattermostPostOf(message, account.data, this.options);
    const id = await this.#call('POST', '/posts', { channel_id: conversation, ...post });
    // The account is a part of where it is: a button that is made later is for the same member.
    return { conversation: account.data, message: id };
  }

  async bringUpToDate({ conversation: account, message: id }: Posted, message: Message): Promise<void> {
    await this.#call('PUT', `/posts/${id}/patch`, mattermostPostOf(message, account, this.options));
  }

  close(): void {}

  /** Returns the id of what Mattermost answers. */
  async #call(method: 'GET' | 'POST' | 'PUT', path: string, body?: object): Promise<string> {
    const response = await fetch(`${this.options.url}/api/v4${path}`, {
      method,
      headers: { authorization: `Bearer ${this.options.token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    }).catch(() => {
      throw new Undelivered('Mattermost cannot be reached');
    });
    if (response.status === 429)
      throw new Undelivered(
        'Mattermost wants fewer messages',
        false,
        retryAfterMs(response.headers.get('retry-after'), Date.now()),
      );
    // A token that was withdrawn may be replaced.
    if (response.status === 401) throw new Undelivered('Mattermost does not take the token');
    checkTaken(response);
    const answer = idSchema.safeParse(await boundedJson(response, ANSWER_BYTES));
    if (!answer.success) throw new Undelivered('Mattermost answered something else');
    return answer.data.id;
  }
}

/** Returns the text and the buttons of a post. Text that others wrote is in code spans, as in every chat. */
export function mattermostPostOf(
  message: Message,
  account: string,
  { links, choices }: Pick<MattermostNotifierOptions, 'links' | 'choices'>,
) {
  const { items } = letterOf(message, links);
  const buttons =
    choices === undefined || message.notices.length > MOST_WITH_BUTTONS || items.length === 0
      ? []
      : message.notices.flatMap((notice) => buttonFor(notice, account, choices, message.createdAtMs));
  return {
    message: bounded(chatBodyOf(message, 'mattermost', undefined, links).text),
    props: { attachments: buttons },
  };
}

function buttonFor(
  { request, subject }: Notice,
  account: string,
  { gateway, secret }: NonNullable<MattermostNotifierOptions['choices']>,
  createdAtMs: number,
): readonly object[] {
  const { digest, stage, choice, verb, entitlement, beneficiary, endsAtMs } = subject;
  if (verb !== 'approve' || stage === undefined || choice?.channels.includes('mattermost') !== true)
    return [];
  const untilMs = Math.min(endsAtMs ?? Number.POSITIVE_INFINITY, createdAtMs + BUTTON_LIFE_MS);
  const what = `${nameOf(entitlement)} for ${nameOf(beneficiary)}`.slice(0, 250);
  const context = mattermostContext(
    { request, digest, revision: choice.revision, stage, account, untilMs },
    secret,
  );
  return [
    {
      text: `\`${what}\` To deny, open the page.`,
      actions: [
        {
          ...{ id: 'approve', type: 'button', name: 'Approve', style: 'primary' },
          integration: { url: `${gateway}/v1/mattermost/actions`, context },
        },
      ],
    },
  ];
}

/** Leaves out whole lines: half a code span would let words become markup. */
function bounded(text: string): string {
  const kept: string[] = [];
  let left = TEXT_CHARACTERS;
  for (const line of text.split('\n')) {
    left -= line.length + 1;
    if (left < 0) return [...kept, LEFT_OUT].join('\n');
    kept.push(line);
  }
  return text;
}
