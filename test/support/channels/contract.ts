import type { Message, Notice } from '../../../src/channels/notice';
import type { Notifier, Route } from '../../../src/channels/notifiers/contract';

/** One channel under test: the product's own part, and a counterpart that keeps what it got. */
export interface ChannelUnderTest {
  readonly notifier: Notifier;
  /** How the one person of the messages is reached. */
  readonly route: Route;
  /** Every message that the counterpart got, each as the text that people read, or that their program reads. */
  received(): readonly string[];
  /** Secrets that the channel was given. */
  readonly secrets: readonly string[];
  /** A message is never longer than this, whatever it is about. */
  readonly mostCharacters: number;
  /** What this medium makes something of, beyond what all of them do. */
  readonly markup?: RegExp;
  /** Makes the counterpart refuse everything. */
  refuse(): void;
  stop(): Promise<void>;
}

export const LINKS = { request: 'https://countersign.example.com/requests/{id}' };

const REVIEW: NonNullable<Notice['subject']['review']> = {
  parameters: { tool: 'migrate', toolVersion: '1', target: 'payments', arguments: { id: 42 } },
  ...{ containment: 'stop the release', ticket: 'OPS-1', onBehalfOf: ['person/ines'] },
  ...{ precedents: [], flags: ['the reason names another table'] },
};
const NOTICE: Notice = {
  ...{ key: 'k', kind: 'awaiting', person: 'person/mira', request: 'request-0001' },
  sinceMs: 1_700_000_000_000,
  subject: {
    digest: `sha-256:${'B'.repeat(43)}`,
    ...{ requester: 'ci/payments', beneficiary: 'agent/atlas', entitlement: 'warehouse:payments#write' },
    ...{ durationMs: 3_600_000, stage: 'owner', words: 'replay of Friday', review: REVIEW, verb: 'approve' },
    quorum: { needs: 2, has: 1, missing: ['person/tomas'] },
    endsAtMs: 1_700_003_600_000,
  },
};

function aMessage(changes: Partial<Notice['subject']> = {}, count = 1): Message {
  const notices = Array.from({ length: count }, (_, at) => ({
    ...NOTICE,
    request: `request-${String(at + 1).padStart(4, '0')}`,
    subject: { ...NOTICE.subject, ...changes },
  }));
  return { id: 'msg_1', person: 'person/mira', createdAtMs: 1_700_000_000_000, notices, more: 0 };
}

const HOSTILE = [
  'https://evil.example/approve',
  '<https://evil.example|Approve now>',
  '[Approve](https://evil.example)',
  '![x](https://evil.example/x.png)',
  '<!here> <!channel> <@U012AB3CD> <at>mira</at>',
  '@here @channel @all @mira',
  '`code` ```code``` **bold** _under_',
  'line one\r\nBcc: all@example.com\r\n\r\n# heading',
  'a\u2028b\u202e\u0000c',
] as const;
/** What any medium makes something of: addresses, mentions, and characters that turn or end a line. */
const ALIVE = /:\/\/evil|evil\.example|@(here|channel|all\b|mira)|all@example|[\u2028\u202e]/;

/** Tries a channel against the contract. */
export function keepsTheContract(name: string, start: () => Promise<ChannelUnderTest>): void {
  describe(`FRI-2, WEB-1 the contract of channels: ${name}`, () => {
    let channel: ChannelUnderTest;
    beforeEach(async () => {
      channel = await start();
    });
    afterEach(async () => {
      channel.notifier.close();
      await channel.stop();
    });
    const sent = async (message: Message): Promise<string> => {
      await channel.notifier.deliver(message, channel.route);
      const received = channel.received();
      expect(received).toHaveLength(1);
      return received[0] ?? '';
    };

    test('a message says who, what, until when, why, what to look closer at, and how many signatures are missing', async () => {
      const text = await sent(aMessage());
      for (const part of [
        ...['ci/payments', 'agent/atlas', 'person/ines', 'warehouse:payments#write', '60 minutes'],
        ...['2023-11-14 23:13 UTC', 'replay of Friday', 'the reason names another table', 'OPS-1'],
        ...['needs 2, has 1, missing: person/tomas', `sha-256:${'B'.repeat(43)}`, 'stop the release'],
        'https://countersign.example.com/requests/request-0001',
      ])
        expect(text).toContain(part);
    });

    test('it goes to one person once, and has no secret in it', async () => {
      await sent(aMessage());
      for (const secret of channel.secrets) expect(channel.received().join()).not.toContain(secret);
    });

    test('hostile words of a request stay words', async () => {
      const words = HOSTILE.join(' ');
      const everywhere = {
        ...{ words, entitlement: words, requester: words, beneficiary: words, stage: words, emergency: true },
        quorum: { needs: 1, has: 0, missing: [words] },
        review: {
          parameters: { tool: words, toolVersion: words, target: words, arguments: { [words]: words } },
          ...{ containment: words, rollback: words, ticket: words, emergencyCondition: words },
          onBehalfOf: [words],
          precedents: [{ kind: 'hard-stop' as const, id: words, about: words, by: words, atMs: 0 }],
          flags: [words],
        },
      };
      const text = await sent(aMessage(everywhere));
      expect(text).not.toMatch(ALIVE);
      if (channel.markup !== undefined) expect(text).not.toMatch(channel.markup);
    });

    test('it has a bounded length, whatever it is about', async () => {
      const words = 'word '.repeat(2_000);
      const flags = Array.from({ length: 40 }, () => words);
      const text = await sent(aMessage({ words, review: { ...REVIEW, flags } }, 60));
      expect(text.length).toBeLessThanOrEqual(channel.mostCharacters);
    });

    test('a refusal is told without secrets', async () => {
      channel.refuse();
      const failed = await channel.notifier
        .deliver(aMessage(), channel.route)
        .catch((error: unknown) => error);
      expect(failed).toMatchObject({ name: 'Undelivered' });
      for (const secret of channel.secrets) expect(String(failed)).not.toContain(secret);
    });
  });
}
