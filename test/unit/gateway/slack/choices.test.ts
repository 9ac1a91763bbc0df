import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SILENT_LOGGER } from '../../../../src/contracts/logger';
import type { SignedEnvelope } from '../../../../src/domain/request';
import { SlackApi } from '../../../../src/gateway/slack/api';
import { Choices } from '../../../../src/gateway/slack/choices';
import { slackSchema } from '../../../../src/gateway/slack/config';
import { SignedDirectory } from '../../../../src/signing/signed-directory';
import { Keyring } from '../../../support/keyring';

const NOW = 1_700_000_000_000;
const SECRET = '8f742231b10e8888abcd99yyyzzz85a5';
const SHOWN = {
  request: 'request-0001',
  digest: `sha-256:${'B'.repeat(43)}`,
  revision: 2,
  stage: 'owner',
};

/** What Slack says of a member (users.info), as its reference documents it. */
const MEMBER = {
  id: 'U0MIRA',
  team_id: 'T0ACME',
  name: 'mira',
  deleted: false,
  is_bot: false,
  is_restricted: false,
  is_ultra_restricted: false,
};
let member: Record<string, unknown> = MEMBER;
let isDown = false;
let told: string[] = [];
let carried: { principal: string; request: string; statement: SignedEnvelope }[] = [];
let slack: Server;
let folder: string;
let keyring: Keyring;
let choices: Choices;
let config: ReturnType<typeof slackSchema.parse>;

beforeAll(async () => {
  slack = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      if (isDown || request.headers.authorization !== 'Bearer xoxb-token') {
        response.writeHead(isDown ? 503 : 401).end();
        return;
      }
      const form = new URLSearchParams(body);
      if (request.url === '/api/chat.postEphemeral') told.push(form.get('text') ?? '');
      const answer = request.url === '/api/users.info' ? { ok: true, user: member } : { ok: true };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((listening) => slack.listen(0, '127.0.0.1', listening));
  folder = mkdtempSync(path.join(tmpdir(), 'slack-'));
  const file = (name: string, text: string) => {
    writeFileSync(path.join(folder, name), text, { mode: 0o600 });
    return path.join(folder, name);
  };
  config = slackSchema.parse({
    workspace: 'T0ACME',
    signingSecretFile: file('secret', `${SECRET}\n`),
    tokenFile: file('token', 'xoxb-token\n'),
    attester: 'service/slack',
    keyFile: 'unused',
    apiUrl: `http://127.0.0.1:${(slack.address() as AddressInfo).port}/api`,
  });
});
afterAll(() => {
  slack.close();
  rmSync(folder, { recursive: true });
});

beforeEach(async () => {
  [member, isDown, told, carried] = [MEMBER, false, [], []];
  keyring = new Keyring();
  const key = await keyring.enrol('service/slack', { kind: 'service', roles: ['channel-attester'] }, 'slack');
  await keyring.enrol('person/mira');
  keyring.account('person/mira', 'slack', 'T0ACME/U0MIRA');
  choices = new Choices({
    ...{ config, key, api: new SlackApi(config), log: SILENT_LOGGER, nowMs: () => NOW },
    holderOf: async (account) => (account === 'T0ACME/U0MIRA' ? 'person/mira' : undefined),
    carry: async (principal, request, statement) => {
      carried.push({ principal, request, statement });
      return { accepted: true };
    },
  });
});

/** A `block_actions` message as Slack documents it, with members that are not used. */
function pressed(button = 'countersign_approve', about: Record<string, unknown> = {}, why?: string): string {
  const payload = {
    type: 'block_actions',
    user: { id: 'U0MIRA', username: 'mira', name: 'mira', team_id: 'T0ACME' },
    api_app_id: 'A02',
    token: 'verification tokens are deprecated',
    container: {
      type: 'message',
      message_ts: '1699999990.000100',
      channel_id: 'D0MIRA',
      is_ephemeral: false,
    },
    trigger_id: '12466734323.1395872398',
    team: { id: 'T0ACME', domain: 'acme' },
    enterprise: null,
    is_enterprise_install: false,
    channel: { id: 'D0MIRA', name: 'directmessage' },
    message: { bot_id: 'B0', type: 'message', text: 'whatever it says now', ts: '1699999990.000100' },
    state: {
      values: {
        'request-0001:why': {
          countersign_why: { type: 'plain_text_input', ...(why !== undefined && { value: why }) },
        },
      },
    },
    response_url: 'https://hooks.slack.com/actions/AABA1ABCD/1232321423432/D09sSasdasdAS9091209',
    actions: [
      {
        action_id: button,
        block_id: 'request-0001:buttons',
        text: { type: 'plain_text', text: 'Approve', emoji: false },
        value: JSON.stringify(SHOWN),
        type: 'button',
        action_ts: '1700000000.246600',
      },
    ],
    ...about,
  };
  return `payload=${encodeURIComponent(JSON.stringify(payload))}`;
}

const signatureOf = (body: string, timestamp: string, secret = SECRET) =>
  `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`;
function send(body: string, atMs = NOW, signature?: string) {
  const timestamp = String(atMs / 1_000);
  return choices.receive({ timestamp, signature: signature ?? signatureOf(body, timestamp), body });
}

describe('FRI-2, TTA-4 a button that a member pressed in Slack', () => {
  test('becomes a statement of that member about exactly what the message showed, at the assurance of a channel', async () => {
    expect(await send(pressed())).toEqual({ outcome: 'accepted' });
    expect(carried).toMatchObject([{ principal: 'person/mira', request: 'request-0001' }]);
    const [{ statement } = { statement: undefined }] = carried;
    if (statement === undefined) throw new Error('nothing was carried');
    const check = await new SignedDirectory(keyring).authenticateStatement(statement, NOW);
    expect(check).toMatchObject({
      verified: true,
      facts: {
        assurance: 'channel',
        channel: 'slack',
        signer: { id: 'person/mira' },
        statement: { ...SHOWN, verb: 'approve', iss: 'person/mira' },
      },
    });
    expect(told).toEqual(['Your approval counts.']);
  });

  test('WEB-7 denies with the words of the field, and not without', async () => {
    expect(await send(pressed('countersign_deny'))).toMatchObject({ code: 'MISSING_REASON' });
    expect(carried).toEqual([]);
    expect(await send(pressed('countersign_deny', {}, 'not during\nthe freeze'))).toEqual({
      outcome: 'accepted',
    });
    expect(carried).toHaveLength(1);
  });

  test('counts once, however often Slack or somebody else sends it', async () => {
    const body = pressed();
    for (let times = 0; times < 3; times += 1) expect(await send(body)).toEqual({ outcome: 'accepted' });
    expect(carried).toHaveLength(1);
    expect(told).toHaveLength(1);
  });

  test('is told why nothing was decided, when the request has moved on', async () => {
    choices = new Choices({
      ...{ config, api: new SlackApi(config), log: SILENT_LOGGER, nowMs: () => NOW },
      key: await keyring.enrol('service/slack', { kind: 'service', roles: ['channel-attester'] }, 'slack'),
      holderOf: async () => 'person/mira',
      carry: async () => ({
        accepted: false,
        refusal: { code: 'STALE_PATH', detail: 'signed for revision 2 <of> the path; it is at 3' },
      }),
    });
    expect(await send(pressed())).toEqual({ outcome: 'refused', code: 'STALE_PATH' });
    expect(told).toEqual(['Nothing was decided: signed for revision 2 &lt;of&gt; the path; it is at 3']);
  });
});

describe('TTA-5 attacks by way of Slack', () => {
  const refusedAs = async (about: Record<string, unknown>, code: string) => {
    expect(await send(pressed('countersign_approve', about))).toEqual({ outcome: 'refused', code });
    expect(carried).toEqual([]);
  };

  test('a body that Slack did not sign, signed otherwise, or sent more than five minutes ago is not read', async () => {
    const body = pressed();
    const seconds = String(NOW / 1_000);
    const wrong: readonly (readonly [string, string | undefined, string])[] = [
      [body.replace('U0MIRA', 'U0EVE1'), seconds, signatureOf(body, seconds)],
      [`${body}&x=1`, seconds, signatureOf(body, seconds)],
      [body, seconds, signatureOf(body, seconds, 'another secret of some length')],
      [body, seconds, signatureOf(body, seconds).slice(0, -1)],
      [body, String(NOW / 1_000 + 1), signatureOf(body, seconds)],
      [body, undefined, signatureOf(body, seconds)],
      [body, '', signatureOf(body, '')],
    ];
    for (const [text, timestamp, signature] of wrong)
      await expect(choices.receive({ body: text, timestamp, signature })).rejects.toMatchObject({
        status: 401,
      });
    await expect(choices.receive({ body, timestamp: seconds, signature: undefined })).rejects.toThrow();
    await expect(send(body, NOW - 301_000)).rejects.toMatchObject({ status: 401 });
    await expect(send(body, NOW + 301_000)).rejects.toMatchObject({ status: 401 });
    expect(carried).toEqual([]);
  });

  test('another workspace, also as a guest of a shared conversation', async () => {
    await refusedAs({ team: { id: 'T0EVIL' } }, 'OTHER_WORKSPACE');
    await refusedAs({ user: { id: 'U0MIRA', team_id: 'T0EVIL' } }, 'OTHER_WORKSPACE');
  });

  test('the button of a message in a channel, or passed on to one', async () => {
    for (const channel_id of ['C0DEPLOYS', 'G0GROUP'])
      await refusedAs({ container: { type: 'message', message_ts: '1.2', channel_id } }, 'NOT_DIRECT');
  });

  test('somebody without an account in the directory, whatever name they took', async () => {
    await refusedAs({ user: { id: 'U0EVE', name: 'mira', username: 'mira' } }, 'UNKNOWN_ACCOUNT');
  });

  test.each([
    ['deactivated', { deleted: true }],
    ['a bot', { is_bot: true }],
    ['a guest', { is_restricted: true }],
    ['a guest of one channel', { is_ultra_restricted: true }],
    ['of another workspace', { team_id: 'T0EVIL' }],
    ['a stranger', { is_stranger: true }],
  ])('an account that is %s now', async (_, about) => {
    member = { ...MEMBER, ...about };
    await refusedAs({}, 'NOT_A_MEMBER');
  });

  test('while Slack does not say who it is, nothing is taken', async () => {
    isDown = true;
    await refusedAs({}, 'NOT_NOW');
    isDown = false;
    member = { ...MEMBER, id: 'U0EVE' };
    await refusedAs({ trigger_id: 'another' }, 'NOT_NOW');
  });

  test('a button whose value is not one of ours', async () => {
    for (const value of ['', '{', '[]', JSON.stringify({ ...SHOWN, verb: 'reroute' }), JSON.stringify({})])
      await refusedAs(
        { actions: [{ type: 'button', action_id: 'countersign_approve', block_id: 'b', value }] },
        'MALFORMED',
      );
  });

  test('words, emoji, commands and other buttons mean nothing', async () => {
    const event = { type: 'event_callback', event: { type: 'reaction_added', reaction: 'white_check_mark' } };
    for (const body of [
      JSON.stringify(event),
      `payload=${encodeURIComponent(JSON.stringify(event))}`,
      'command=%2Fcountersign&text=approve+request-0001',
      `${pressed()}&${pressed()}`,
      pressed('countersign_open'),
      pressed('countersign_reroute'),
      'payload=%7B',
      '',
    ])
      expect(await send(body)).toEqual({ outcome: 'ignored' });
    expect([carried, told]).toEqual([[], []]);
  });
});
