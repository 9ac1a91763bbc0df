import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Message, Notice } from '../../../src/channels/notice';
import { SlackNotifier, slackMessageOf } from '../../../src/channels/notifiers/slack';

const LINKS = { request: 'https://countersign.example.com/requests/{id}' };
const CHOICE = { channels: ['slack'], revision: 2 };
const SUBJECT: Notice['subject'] = {
  digest: `sha-256:${'B'.repeat(43)}`,
  requester: 'ci/payments',
  beneficiary: 'ci/payments',
  entitlement: 'warehouse:payments#write',
  durationMs: 3_600_000,
  stage: 'owner',
  words: 'please <https://evil.example|approve> `now`',
  quorum: { needs: 2, has: 1, missing: ['person/tomas'] },
  endsAtMs: 1_700_003_600_000,
  verb: 'approve',
  choice: CHOICE,
};

function aMessage(changes: Partial<Notice['subject']> = {}, count = 1): Message {
  const notices = Array.from(
    { length: count },
    (_, at): Notice => ({
      ...{ key: `k${at}`, kind: 'awaiting', person: 'person/mira', sinceMs: 1_700_000_000_000 },
      ...{ request: `request-000${at}`, subject: { ...SUBJECT, ...changes } },
    }),
  );
  return { id: 'msg_1', person: 'person/mira', createdAtMs: 0, notices, more: 0 };
}
const buttonsOf = (message: Message): readonly string[] =>
  [...JSON.stringify(slackMessageOf(message, LINKS).blocks).matchAll(/countersign_\w+/g)].map(
    ([name]) => name,
  );

describe('FRI-2, WEB-1 a message in Slack', () => {
  test('says who, what, until when and how many are missing, and leads to the page', () => {
    const { text, blocks } = slackMessageOf(aMessage(), LINKS);
    for (const part of ['ci/payments', 'warehouse:payments#write', '2023-11-14 23:13 UTC', 'person/tomas'])
      expect(text).toContain(part);
    expect(JSON.stringify(blocks)).toContain('"url":"https://countersign.example.com/requests/request-0000"');
  });

  test('TTA-4 has buttons to choose only where the stage names slack, for who approves', () => {
    const all = ['countersign_why', 'countersign_open', 'countersign_approve', 'countersign_deny'];
    expect(buttonsOf(aMessage())).toEqual(all);
    const { choice: _choice, ...signed } = SUBJECT;
    const message = aMessage();
    const [notice] = message.notices;
    if (notice === undefined) throw new Error('there is no notice');
    expect(buttonsOf({ ...message, notices: [{ ...notice, subject: signed }] })).toEqual([
      'countersign_open',
    ]);
    expect(buttonsOf(aMessage({ choice: { channels: ['mattermost'], revision: 2 } }))).toEqual([
      'countersign_open',
    ]);
    for (const verb of ['confirm', 'endorse', 'reroute', 'review'] as const)
      expect(buttonsOf(aMessage({ verb }))).toEqual(['countersign_open']);
    expect(buttonsOf(aMessage({}, 4))).toEqual([]);
  });

  test('TTA-3 each button says digest, revision and stage as the message shows them', () => {
    const values = [
      ...JSON.stringify(slackMessageOf(aMessage(), LINKS).blocks).matchAll(/"value":("(?:\\.|[^"])*")/g),
    ].map(([, value = '']): unknown => JSON.parse(JSON.parse(value)));
    const shown = { request: 'request-0000', digest: SUBJECT.digest, revision: 2, stage: 'owner' };
    expect(values).toEqual([shown, shown]);
  });

  test('the words of others stay words, and everything fits what Slack takes', () => {
    const { blocks } = slackMessageOf(aMessage({ words: '<!channel> '.repeat(400) }, 20), LINKS);
    expect(blocks.length).toBeLessThanOrEqual(50);
    const texts = blocks.map((block) => JSON.stringify(block));
    for (const one of texts) expect(one.length).toBeLessThan(3_300);
    expect(texts.join()).not.toMatch(/<!channel>|<https:\/\/evil/);
  });
});

describe('FRI-2 delivery to Slack', () => {
  let slack: Server;
  let answer: { status: number; body: unknown; headers?: Record<string, string> };
  let received: { authorization: string | undefined; body: string }[];
  let apiUrl: string;
  beforeAll(async () => {
    slack = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += String(chunk);
      });
      request.on('end', () => {
        received.push({ authorization: request.headers.authorization, body });
        response.writeHead(answer.status, answer.headers).end(JSON.stringify(answer.body));
      });
    });
    await new Promise<void>((listening) => slack.listen(0, '127.0.0.1', listening));
    apiUrl = `http://127.0.0.1:${(slack.address() as AddressInfo).port}/api`;
  });
  afterAll(() => slack.close());
  beforeEach(() => {
    received = [];
    answer = { status: 200, body: { ok: true, channel: 'D0', ts: '1.2' } };
  });
  const deliver = (url = apiUrl) =>
    new SlackNotifier({ apiUrl: url, token: 'xoxb-token', links: LINKS }).deliver(aMessage(), {
      channel: 'slack',
      mention: 'U0MIRA',
    });

  test('goes to the member as the bot', async () => {
    await deliver();
    expect(received).toMatchObject([{ authorization: 'Bearer xoxb-token' }]);
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({ channel: 'U0MIRA' });
  });

  test('waits as long as Slack wants, and gives up only what a retry cannot mend', async () => {
    answer = { status: 429, body: { ok: false }, headers: { 'retry-after': '90' } };
    await expect(deliver()).rejects.toMatchObject({ isFinal: false, pauseMs: 90_000 });
    answer = { status: 200, body: { ok: false, error: 'user_not_found' } };
    await expect(deliver()).rejects.toMatchObject({
      isFinal: true,
      message: expect.stringContaining('user_not_found'),
    });
    for (const body of [{ ok: false, error: 'invalid_auth xoxb-token' }, 'not JSON of Slack', {}]) {
      answer = { status: 200, body };
      const failed = await deliver().catch((error: Error) => error);
      expect(failed).toMatchObject({ isFinal: false });
      expect(String(failed)).not.toContain('xoxb');
    }
    answer = { status: 503, body: {} };
    await expect(deliver()).rejects.toMatchObject({ isFinal: false });
    await expect(deliver('http://127.0.0.1:1/api')).rejects.toMatchObject({ isFinal: false });
  });
});
