import path from 'node:path';
import type { Message } from '../../../src/channels/notice';
import { teamsMessageOf } from '../../../src/channels/notifiers/teams';
import { npmTools, runProgram } from '../support/npm-tools';

/* Microsoft's SDK for adaptive cards (npm: adaptivecards) reads the cards that we post. */

const LINKS = { request: 'https://countersign.example.com/requests/{id}' };
const HOSTILE =
  '{{DATE(2017-02-14T06:00:00Z,SHORT)}} **bold** [x](https://evil.example) <at>mira</at> $' + '{secret}';

const message = (words: string, count: number): Message => ({
  ...{ id: 'msg_1', person: 'person/mira', createdAtMs: 0, more: 0 },
  notices: Array.from({ length: count }, (_, index) => ({
    ...{ key: 'k', kind: 'awaiting', person: 'person/mira', sinceMs: 0 },
    request: `request-000${index}`,
    subject: {
      digest: `sha-256:${'B'.repeat(43)}`,
      ...{ requester: 'ci/payments', beneficiary: 'agent/atlas', entitlement: 'warehouse:payments#write' },
      ...{ stage: 'owner', words, verb: 'approve' },
    },
  })),
});

async function read(card: unknown): Promise<{ wrong: string[]; card: unknown }> {
  const { stdout, stderr } = await runProgram(
    process.execPath,
    [path.join(npmTools(), 'adaptive-card.mjs')],
    {
      input: JSON.stringify(card),
    },
  );
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

test('FRI-2 WEB-1 the SDK finds nothing wrong in our cards, and reads all of them', async () => {
  for (const one of [message('replay of Friday', 1), message(HOSTILE, 3), message(HOSTILE.repeat(99), 60)]) {
    const [attachment] = teamsMessageOf(one, LINKS).attachments;
    const { wrong, card } = await read(attachment?.content);
    expect(wrong).toEqual([]);
    expect(card).toEqual(attachment?.content);
  }
  const { wrong } = await read({ type: 'AdaptiveCard', version: '1.4', body: [{ type: 'Approve' }] });
  expect(wrong).toHaveLength(1);
}, 120_000);
