import type { Resolve } from '../../outbound/post';
import { type Item, type Links, letterOf } from '../compose';
import type { Message } from '../notice';
import type { Notifier } from './contract';
import { postTo } from './webhook';

export interface TeamsNotifierOptions {
  /** Anyone who knows the address can post, so it comes from a secret file and appears in no message. */
  readonly url: URL;
  readonly allowInternal: boolean;
  readonly links?: Links;
  readonly resolve?: Resolve;
}

/** Teams takes about 28 KB for a message. */
const CARD_BYTES = 24_000;
const LINE_CHARACTERS = 700;
/** The last version that every client of Teams shows. */
const VERSION = '1.4';

/** Posts messages to a workflow of Teams, as adaptive cards. Their one button opens the request's page; nothing in them decides. */
export class TeamsNotifier implements Notifier {
  constructor(private readonly options: TeamsNotifierOptions) {}

  async deliver(message: Message): Promise<undefined> {
    await postTo(this.options, JSON.stringify(teamsMessageOf(message, this.options.links)));
  }

  close(): void {}
}

/** Returns the body to post: one card. A workflow "Send webhook alerts to a channel" posts it as it is. */
export function teamsMessageOf(message: Message, links?: Links) {
  const { subject, items, more, closing } = letterOf(message, links);
  const body: Block[] = [textOf(`${subject} (to ${message.person})`, { weight: 'Bolder', size: 'Medium' })];
  let room = CARD_BYTES - sizeOf(body);
  let shown = 0;
  for (const item of items) {
    // One request alone may fill the card; another one is shown whole or not at all.
    const blocks = shown === 0 ? fitting(blocksOf(item), room) : blocksOf(item);
    room -= sizeOf(blocks);
    if (room < 0) break;
    body.push(...blocks);
    shown += 1;
  }
  const left = more + items.length - shown;
  if (left > 0)
    body.push(textOf(`and ${left} more: countersign request list --awaiting ${message.person}`, {}));
  body.push(textOf(closing, { isSubtle: true }));
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: VERSION,
    body,
  };
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  };
}

type Look = {
  readonly weight?: 'Bolder';
  readonly size?: 'Medium';
  readonly isSubtle?: true;
  readonly fontType?: 'Monospace';
};
type Block = ReturnType<typeof textOf> | ReturnType<typeof buttonOf>;

function blocksOf({ headline, facts, quote, commands, page }: Item): readonly Block[] {
  const quoted =
    quote === undefined ? [] : [textOf(`the requester's own words, checked by nobody: "${quote}"`, {})];
  return [
    textOf(headline, { weight: 'Bolder' }),
    ...facts.map((fact) => textOf(fact, {})),
    ...quoted,
    ...commands.map((command) => textOf(command, { fontType: 'Monospace' })),
    ...(page === undefined ? [] : [buttonOf(page)]),
  ];
}

/** Leaves out the last words that do not fit, and keeps the button. */
function fitting(blocks: readonly Block[], room: number): readonly Block[] {
  const buttons = blocks.filter((one) => one.type === 'ActionSet');
  const cut = textOf('more than fits here: open the request', {});
  let left = room - sizeOf([...buttons, cut]);
  const kept = blocks
    .filter((one) => one.type !== 'ActionSet')
    .filter((one) => {
      left -= sizeOf(one) + 1;
      return left >= 0;
    });
  return kept.length + buttons.length === blocks.length ? blocks : [...kept, cut, ...buttons];
}

/** Shows text literally: a text run has no Markdown, unlike a text block. */
const textOf = (text: string, look: Look) =>
  ({
    type: 'RichTextBlock',
    inlines: [{ type: 'TextRun', text: withoutMacros(shortened(text)), ...look }],
  }) as const;

const buttonOf = (url: string) =>
  ({ type: 'ActionSet', actions: [{ type: 'Action.OpenUrl', title: 'Open the request', url }] }) as const;

/** Breaks up what cards compute (`{{DATE(…)}}`, `${…}`) and what Teams takes for a mention. */
const withoutMacros = (text: string): string =>
  text.replace(/([{$])(?=\{)/g, '$1 ').replace(/<(?=\/?at\b)/gi, '< ');

function shortened(text: string): string {
  const letters = [...text];
  return letters.length <= LINE_CHARACTERS ? text : `${letters.slice(0, LINE_CHARACTERS - 1).join('')}…`;
}

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
