import { z } from 'zod';
import { SLACK_ACTIONS, type SlackShown, slackBlocks } from '../../contracts/slack';
import { boundedJson } from '../../outbound/answer';
import { retryAfterMs } from '../../outbound/retry-after';
import { type Links, letterOf } from '../compose';
import type { Message, Notice } from '../notice';
import { nameOf } from '../words';
import { chatBodyOf } from './chat';
import { checkTaken, type Notifier, type Posted, type Route, Undelivered } from './contract';

export interface SlackNotifierOptions {
  readonly apiUrl: string;
  readonly token: string;
  readonly links?: Links;
}

const ANSWER_WITHIN_MS = 10_000;
const ANSWER_BYTES = 256 * 1024;
/** Slack takes 3,000 characters in a section, and 50 blocks in a message. */
const SECTION_CHARACTERS = 2_900;
const MOST_SECTIONS = 30;
const TEXT_CHARACTERS = 4_000;
const LEFT_OUT = 'The rest does not fit here: read the requests on their pages.';
/** Messages of more requests have no buttons: whoever presses one has to have read it. */
const MOST_WITH_BUTTONS = 3;

const answerSchema = z.object({
  ok: z.boolean(),
  error: z.string().optional(),
  // Where the message is: the conversation with the member, and the message's time stamp, which is its id there.
  channel: z.string().max(64).optional().catch(undefined),
  ts: z.string().max(64).optional().catch(undefined),
});
/** What a retry cannot mend. */
const FINAL = [
  'account_inactive',
  'cannot_dm_bot',
  'cant_update_message',
  'channel_not_found',
  'invalid_blocks',
  'edit_window_closed',
  'is_archived',
  'message_not_found',
  'messages_tab_disabled',
  'msg_too_long',
  'user_disabled',
  'user_not_found',
];

/**
 * Sends messages as the app's bot, to the member that a route mentions: a conversation of two. A button *Review and sign* opens the
 * request's page. Where the stage names `slack`, two more choose there.
 */
export class SlackNotifier implements Notifier {
  constructor(private readonly options: SlackNotifierOptions) {}

  async deliver(message: Message, { mention }: Route): Promise<Posted | undefined> {
    if (mention === undefined) throw new Undelivered('there is no member to write to', true);
    const body = { channel: mention, ...slackMessageOf(message, this.options.links) };
    const { channel, ts } = await this.#call('chat.postMessage', body);
    return channel === undefined || ts === undefined ? undefined : { conversation: channel, message: ts };
  }

  async bringUpToDate({ conversation, message: ts }: Posted, message: Message): Promise<void> {
    await this.#call('chat.update', {
      channel: conversation,
      ts,
      ...slackMessageOf(message, this.options.links),
    });
  }

  /** @throws Undelivered unless Slack says that it took it */
  async #call(method: 'chat.postMessage' | 'chat.update', body: object) {
    const { apiUrl, token } = this.options;
    const response = await fetch(`${apiUrl}/${method}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    }).catch(() => {
      throw new Undelivered('Slack cannot be reached');
    });
    if (response.status === 429)
      throw new Undelivered(
        'Slack wants fewer messages',
        false,
        retryAfterMs(response.headers.get('retry-after'), Date.now()),
      );
    checkTaken(response);
    const answer = answerSchema.safeParse(await boundedJson(response, ANSWER_BYTES));
    if (answer.success && answer.data.ok) return answer.data;
    const error = (answer.success && answer.data.error) || 'no reason';
    // Only words that we know are passed on.
    const isFinal = FINAL.includes(error);
    throw new Undelivered(`Slack did not take it${isFinal ? `: ${error}` : ''}`, isFinal);
  }

  close(): void {}
}

/** Returns what `chat.postMessage` and `chat.update` have in common. Text that others wrote is in code spans, as in every chat. */
export function slackMessageOf(message: Message, links?: Links) {
  const text = chatBodyOf(message, 'slack', undefined, links).text;
  const { items } = letterOf(message, links);
  const actions =
    message.notices.length > MOST_WITH_BUTTONS
      ? []
      : message.notices.flatMap((notice, index): readonly object[] => blocksFor(notice, items[index]?.page));
  return {
    // Shown where blocks are not, such as on a locked screen.
    text: text.slice(0, TEXT_CHARACTERS),
    blocks: [...sectionsOf(text), ...actions],
    ...{ unfurl_links: false, unfurl_media: false, link_names: false },
  };
}

function sectionsOf(text: string) {
  const sections: string[] = [];
  for (const line of text.split('\n')) {
    const last = sections.at(-1);
    if (last !== undefined && last.length + line.length < SECTION_CHARACTERS)
      sections[sections.length - 1] = `${last}\n${line}`;
    else sections.push(line.slice(0, SECTION_CHARACTERS));
  }
  const shown =
    sections.length > MOST_SECTIONS ? [...sections.slice(0, MOST_SECTIONS - 1), LEFT_OUT] : sections;
  return shown.map(
    (part) => ({ type: 'section', text: { type: 'mrkdwn', text: part, verbatim: true } }) as const,
  );
}

const plain = (text: string) => ({ type: 'plain_text', text, emoji: false }) as const;

function blocksFor({ request, subject }: Notice, page: string | undefined) {
  const { digest, stage, choice, verb, entitlement, beneficiary } = subject;
  const open =
    page === undefined || verb === undefined
      ? []
      : [
          {
            type: 'button',
            text: plain('Review and sign'),
            url: page,
            action_id: 'countersign_open',
          } as const,
        ];
  const ids = slackBlocks(request);
  const asking =
    open.length === 0 ? [] : [{ type: 'actions', block_id: ids.buttons, elements: open } as const];
  const mayChoose = verb === 'approve' && stage !== undefined && choice?.channels.includes('slack') === true;
  if (!mayChoose) return asking;
  const shown: SlackShown = { request, digest, revision: choice.revision, stage };
  const value = JSON.stringify(shown);
  const what = `${nameOf(entitlement)} for ${nameOf(beneficiary)}`.slice(0, 250);
  const button = (action: 'approve' | 'deny', label: string, style: 'primary' | 'danger') =>
    ({
      ...{ type: 'button', text: plain(label), value, style, action_id: SLACK_ACTIONS[action] },
      confirm: {
        ...{ title: plain(`${label}?`), text: plain(what) },
        ...{ confirm: plain(label), deny: plain('Go back') },
      },
    }) as const;
  return [
    {
      type: 'input',
      block_id: ids.why,
      optional: true,
      label: plain('Why (needed to deny)'),
      element: { type: 'plain_text_input', action_id: SLACK_ACTIONS.why, max_length: 500 },
    } as const,
    {
      type: 'actions',
      block_id: ids.buttons,
      elements: [...open, button('approve', 'Approve', 'primary'), button('deny', 'Deny', 'danger')],
    } as const,
  ];
}
