import type { Resolve } from '../../outbound/post';
import { type Item, type Links, letterOf } from '../compose';
import type { Message } from '../notice';
import type { Notifier, Route } from './contract';
import { postTo } from './webhook';

export type ChatStyle = 'slack' | 'mattermost';

export interface ChatNotifierOptions {
  /** Anyone who knows the address can post, so it comes from a secret file and appears in no message. */
  readonly url: URL;
  readonly style: ChatStyle;
  readonly allowInternal: boolean;
  readonly links?: Links;
  readonly resolve?: Resolve;
}

/** Posts messages to an incoming webhook of Slack or Mattermost. */
export class ChatNotifier implements Notifier {
  constructor(private readonly options: ChatNotifierOptions) {}

  async deliver(message: Message, { mention }: Route): Promise<undefined> {
    const { style, links } = this.options;
    await postTo(this.options, JSON.stringify(chatBodyOf(message, style, mention, links)));
  }

  close(): void {}
}

/** Returns the body to post. Text that a requester may have written is in code spans, where chats parse no markup. */
export function chatBodyOf(message: Message, style: ChatStyle, mention?: string, links?: Links) {
  const { subject, items, more, closing } = letterOf(message, links);
  const mark = MARKS[style];
  const lines = [
    ...(mention === undefined ? [] : [mark.mention(mention)]),
    mark.code(`${subject} (to ${message.person})`),
    ...items.flatMap((item) => itemLines(item, style)),
    ...(more > 0
      ? [`and ${more} more: countersign request list --awaiting ${mark.escape(message.person)}`]
      : []),
    closing,
  ];
  const text = lines.join('\n');
  // No previews, and names do not become mentions.
  return style === 'slack'
    ? { text, mrkdwn: true, link_names: false, unfurl_links: false, unfurl_media: false }
    : { text };
}

function itemLines({ headline, facts, quote, commands, page }: Item, style: ChatStyle): readonly string[] {
  const mark = MARKS[style];
  return [
    `• ${mark.code(headline)}`,
    ...facts.map((fact) => `    ${mark.code(fact)}`),
    ...(quote === undefined
      ? []
      : [`    the requester's own words, checked by nobody: ${mark.code(`"${quote}"`)}`]),
    ...commands.map((command) => `    ${mark.code(command)}`),
    ...(page === undefined ? [] : [`    ${mark.link(page)}`]),
  ];
}

interface Marks {
  escape(text: string): string;
  /** Shows text literally. */
  code(text: string): string;
  mention(name: string): string;
  link(url: string): string;
}

/** Escapes the three characters that begin markup in Slack. */
const slackEscape = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

const MARKS: Readonly<Record<ChatStyle, Marks>> = {
  slack: {
    escape: slackEscape,
    code: (text) => `\`${slackEscape(text.replace(/`/g, "'"))}\``,
    mention: (name) => `<@${name}>`,
    link: (url) => `<${slackEscape(url)}>`,
  },
  mattermost: {
    escape: (text) => text,
    code: (text) => `\`${text.replace(/`/g, "'")}\``,
    mention: (name) => `@${name}`,
    link: (url) => `<${url}>`,
  },
};
