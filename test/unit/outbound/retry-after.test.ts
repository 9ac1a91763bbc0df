import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { ChatNotifier } from '../../../src/channels/notifiers/chat';
import { LONGEST_RETRY_AFTER_MS, retryAfterMs } from '../../../src/outbound/retry-after';

const NOW = Date.parse('1994-11-06T08:49:00Z');

describe('FRI-2 how long a server asks to be left alone', () => {
  test.each([
    ['0', 0],
    ['90', 90_000],
    [' 90 ', 90_000],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 37_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 37_000],
    ['Sun Nov  6 08:49:37 1994', 37_000],
    ['Sun, 06 Nov 1994 08:48:00 GMT', 0],
    ['Wed, 06 Nov 2094 08:49:37 GMT', LONGEST_RETRY_AFTER_MS],
    ['3600', LONGEST_RETRY_AFTER_MS],
    ['99999999999999999999', LONGEST_RETRY_AFTER_MS],
  ])('%j', (header, ms) => {
    expect(retryAfterMs(header, NOW)).toBe(ms);
  });

  test.each([
    null,
    undefined,
    '',
    ' ',
    '-1',
    '+5',
    '1.5',
    '1e9',
    '0x10',
    'Infinity',
    'NaN',
    '5, 10',
    '5;x',
    '1994-11-06T08:49:37Z',
    'tomorrow',
    'Sun, 06 Nov 1994 08:49:37 CET',
    'Sun, 99 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 GMT, 5',
    '9'.repeat(100_000),
  ])('%j says nothing', (header) => {
    expect(retryAfterMs(header, NOW)).toBeUndefined();
  });

  test('whatever a server sends, the wait is undefined or between nothing and an hour', () => {
    const pieces = fc.constantFrom('9', '0', '-', ' ', ',', 'Sun', 'Nov', 'GMT', ':', '1994', 'e', '.', 'x');
    const headers = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 20 }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(headers, fc.integer({ min: 0, max: 4e12 }), (header, nowMs) => {
        const ms = retryAfterMs(header, nowMs);
        expect(ms === undefined || (ms >= 0 && ms <= LONGEST_RETRY_AFTER_MS)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a chat and a webhook that want fewer messages are left alone as long', async () => {
    let retryAfter = '120';
    const server = createServer((_request, response) => {
      response.writeHead(429, { 'retry-after': retryAfter }).end();
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`);
    const chat = new ChatNotifier({ url, style: 'mattermost', allowInternal: true });
    const message = { id: 'one', person: 'person/mira', createdAtMs: 0, notices: [], more: 0 };
    await expect(chat.deliver(message, { channel: 'chat' })).rejects.toMatchObject({
      isFinal: false,
      pauseMs: 120_000,
    });
    retryAfter = '1e300';
    await expect(chat.deliver(message, { channel: 'chat' })).rejects.toMatchObject({ pauseMs: 0 });
    server.close();
  });
});
