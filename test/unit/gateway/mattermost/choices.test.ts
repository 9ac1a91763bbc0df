import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import type { Message } from '../../../../src/channels/notice';
import { MattermostNotifier, mattermostPostOf } from '../../../../src/channels/notifiers/mattermost';
import { SILENT_LOGGER } from '../../../../src/contracts/logger';
import { mattermostContext, saidByContext } from '../../../../src/contracts/mattermost';
import type { SignedEnvelope } from '../../../../src/domain/request';
import { MattermostApi } from '../../../../src/gateway/mattermost/api';
import { MattermostChoices } from '../../../../src/gateway/mattermost/choices';
import { mattermostSchema } from '../../../../src/gateway/mattermost/config';
import { SignedDirectory } from '../../../../src/signing/signed-directory';
import { EVE, FakeMattermost, MIRA } from '../../../support/channels/fake-mattermost';
import { Keyring } from '../../../support/keyring';

const NOW = 1_700_000_000_000;
const TOKEN = 'token-of-the-bot';
const SECRET = 'a secret of worker and gateway';
const GATEWAY = 'https://countersign.example.com';

const messageFor = (channels: readonly string[] = ['mattermost'], count = 1): Message => ({
  ...{ id: 'msg_1', person: 'person/mira', createdAtMs: NOW, more: 0 },
  notices: Array.from({ length: count }, () => ({
    ...{ key: 'k', kind: 'awaiting', person: 'person/mira', request: 'request-0001', sinceMs: NOW },
    subject: {
      digest: `sha-256:${'B'.repeat(43)}`,
      ...{ requester: 'ci/payments', beneficiary: 'ci/payments', entitlement: 'warehouse:payments#write' },
      ...{ stage: 'owner', verb: 'approve', choice: { channels, revision: 2 }, endsAtMs: NOW + 3_600_000 },
    },
  })),
});

let mattermost: FakeMattermost;
let folder: string;
let keyring: Keyring;
let nowMs: number;
let carried: { principal: string; request: string; statement: SignedEnvelope }[];
let choices: MattermostChoices;
let notifier: MattermostNotifier;
beforeEach(async () => {
  mattermost = await FakeMattermost.start(TOKEN);
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-mattermost-'));
  const file = (name: string, text: string) => {
    writeFileSync(path.join(folder, name), text, { mode: 0o600 });
    return path.join(folder, name);
  };
  const config = mattermostSchema.parse({
    ...{ workspace: 'acme', url: mattermost.url, attester: 'service/mattermost', keyFile: 'unused' },
    tokenFile: file('token', `${TOKEN}\n`),
    secretFile: file('secret', `${SECRET}\n`),
  });
  [nowMs, carried] = [NOW, []];
  keyring = new Keyring();
  const standing = { kind: 'service' as const, roles: ['channel-attester'] };
  const key = await keyring.enrol('service/mattermost', standing, 'mattermost');
  await keyring.enrol('person/mira');
  keyring.account('person/mira', 'mattermost', `acme/${MIRA}`);
  choices = new MattermostChoices({
    ...{ config, key, api: new MattermostApi(config), log: SILENT_LOGGER, nowMs: () => nowMs },
    holderOf: async (account) => (account === `acme/${MIRA}` ? 'person/mira' : undefined),
    carry: async (principal, request, statement) => {
      carried.push({ principal, request, statement });
      return { accepted: true };
    },
  });
  const to = { gateway: GATEWAY, secret: SECRET };
  notifier = new MattermostNotifier({ url: mattermost.url, token: TOKEN, choices: to });
});
afterEach(async () => {
  await mattermost.stop();
  rmSync(folder, { recursive: true });
  expect(mattermost.wrong).toEqual([]);
});

/** Writes a message to a member, and returns what Mattermost sends when somebody presses its button. */
async function pressed(by = MIRA, to = MIRA, message = messageFor()) {
  const { message: post } = await notifier.deliver(message, { channel: 'mattermost', mention: to });
  const press = mattermost.press(post, by);
  if (press === undefined) throw new Error('there is no button');
  expect(press.url).toBe(`${GATEWAY}/v1/mattermost/actions`);
  return press.body;
}
const receive = (body: object) => choices.receive(JSON.stringify(body));

describe('FRI-2, TTA-4 an approval by the button of a message in Mattermost', () => {
  test('is attested in the name of whose account it is, for what the message showed', async () => {
    const body = await pressed();
    expect(await receive(body)).toEqual({ outcome: 'accepted', ephemeral_text: 'Your approval counts.' });
    expect(await receive(body)).toMatchObject({ outcome: 'accepted' });
    expect(carried).toHaveLength(1);
    const [{ principal, request, statement }] = carried as [(typeof carried)[0]];
    expect([principal, request, statement.format]).toEqual(['person/mira', 'request-0001', 'attested']);
    expect(await new SignedDirectory(keyring).authenticateStatement(statement, NOW)).toMatchObject({
      verified: true,
      facts: { assurance: 'channel', channel: 'mattermost', signer: { id: 'person/mira' } },
    });
  });

  test('what anybody could have made or changed is no press', async () => {
    const { context, ...rest } = await pressed();
    const made = { ...context };
    const changed = [
      { ...made, request: 'request-0002' },
      { ...made, digest: `sha-256:${'C'.repeat(43)}` },
      { ...made, revision: 3 },
      { ...made, stage: 'other' },
      { ...made, account: EVE },
      { ...made, untilMs: NOW * 2 },
      { ...made, more: 1 },
      { ...made, mac: 'A'.repeat(43) },
      {},
      'text',
      null,
    ];
    for (const one of changed)
      await expect(receive({ ...rest, context: one })).rejects.toMatchObject({ status: 401 });
    await expect(receive({ user_id: 'x' })).rejects.toMatchObject({ status: 400 });
    expect(carried).toEqual([]);
  });

  test("another's message, an account that nobody has, and a message that is too old", async () => {
    expect(await receive(await pressed(EVE, MIRA))).toMatchObject({ code: 'NOT_YOURS' });
    expect(await receive(await pressed(EVE, EVE))).toMatchObject({ code: 'UNKNOWN_ACCOUNT' });
    nowMs = NOW + 3_600_000;
    expect(await receive(await pressed())).toMatchObject({ code: 'TOO_OLD' });
    expect(carried).toEqual([]);
  });

  test('a deactivated account, a bot, a guest, an account of another server, and a server that does not say', async () => {
    const full = { id: MIRA, delete_at: 0, roles: 'system_user' };
    for (const user of [
      { ...full, delete_at: 1 },
      { ...full, is_bot: true },
      { ...full, roles: 'system_guest' },
      { ...full, remote_id: 'of-another-server' },
    ]) {
      mattermost.users.set(MIRA, user);
      expect(await receive(await pressed())).toMatchObject({ code: 'NOT_A_MEMBER' });
    }
    const body = await pressed();
    mattermost.trouble = { status: 503 };
    expect(await receive(body)).toMatchObject({ code: 'NOT_NOW' });
    expect(carried).toEqual([]);
  });

  test('there is a button only where the stage names mattermost, and never in a message of many', () => {
    const buttons = (message: Message, choosing = true) => {
      const to = choosing ? { choices: { gateway: GATEWAY, secret: SECRET } } : {};
      return mattermostPostOf(message, MIRA, to).props.attachments.length;
    };
    expect(buttons(messageFor())).toBe(1);
    expect(buttons(messageFor(['slack']))).toBe(0);
    expect(buttons(messageFor(), false)).toBe(0);
    expect(buttons(messageFor(['mattermost'], 4))).toBe(0);
  });

  test('a message is brought up to date: its button goes', async () => {
    const posted = await notifier.deliver(messageFor(), { channel: 'mattermost', mention: MIRA });
    await notifier.bringUpToDate(posted, messageFor([]));
    expect(mattermost.press(posted.message, MIRA)).toBeUndefined();
  });

  test('a limit is heeded, and an outage is for later', async () => {
    mattermost.trouble = { status: 429, headers: { 'retry-after': '90' } };
    await expect(pressed()).rejects.toMatchObject({ isFinal: false, pauseMs: 90_000 });
    mattermost.trouble = { status: 503 };
    await expect(pressed()).rejects.toMatchObject({ isFinal: false });
    mattermost.trouble = undefined;
    await expect(pressed()).resolves.toBeDefined();
  });

  test('no context counts by another secret, whatever it says', () => {
    const said = fc.record({
      request: fc.constant('request-0001'),
      digest: fc.constant(`sha-256:${'B'.repeat(43)}`),
      revision: fc.integer({ min: 0, max: 1_000 }),
      stage: fc.constantFrom('owner', 'lead'),
      account: fc.constantFrom(MIRA, EVE),
      untilMs: fc.integer({ min: 1 }),
    });
    fc.assert(
      fc.property(said, fc.string({ minLength: 24 }), (one, secret) => {
        expect(saidByContext(mattermostContext(one, SECRET), SECRET)).toEqual(one);
        if (secret !== SECRET) expect(saidByContext(mattermostContext(one, secret), SECRET)).toBeUndefined();
      }),
    );
  });
});
