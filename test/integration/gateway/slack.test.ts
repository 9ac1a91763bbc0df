import { createHmac, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { notificationsOf } from '../../../src/cli/notify/beside-worker';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { readSettings } from '../../../src/contracts/settings';
import type { AccessRequest } from '../../../src/domain/request';
import { allowSlack, registerAttester } from '../../support/attester';
import { ADMIN, WRITE } from '../../support/harness-asks';
import { eventually } from '../../support/harness-wait';
import { RequestGateway } from './support/request-gateway';

/* A message in Slack, the press of its button, and the grant. Slack is played by a server that answers as its reference says. */

const SECRET = '8f742231b10e8888abcd99yyyzzz85a5';

interface Button {
  readonly action_id: string;
  readonly value?: string;
  readonly url?: string;
}
interface Posted {
  readonly channel: string;
  readonly blocks: readonly { readonly block_id?: string; readonly elements?: readonly Button[] }[];
}

const posted: Posted[] = [];
const told: string[] = [];
const folder = mkdtempSync(path.join(tmpdir(), 'countersign-slack-'));
let slack: Server;
let gateway: RequestGateway;
let telling: ReturnType<typeof notificationsOf>;

const file = (name: string, content: string) => {
  writeFileSync(path.join(folder, name), content, { mode: 0o600 });
  return path.join(folder, name);
};

beforeAll(async () => {
  slack = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      if (request.url === '/api/chat.postMessage') posted.push(JSON.parse(body));
      if (request.url === '/api/chat.postEphemeral') told.push(new URLSearchParams(body).get('text') ?? '');
      const user = { id: new URLSearchParams(body).get('user'), team_id: 'T0ACME' };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ok: true, user }));
    });
  });
  await new Promise<void>((listening) => slack.listen(0, '127.0.0.1', listening));
  const apiUrl = `http://127.0.0.1:${(slack.address() as AddressInfo).port}/api`;
  const tokenFile = file('token', 'xoxb-token');
  gateway = await RequestGateway.start(
    () => ({
      slack: {
        ...{ workspace: 'T0ACME', attester: 'service/slack', apiUrl, tokenFile },
        signingSecretFile: file('secret', SECRET),
        keyFile: path.join(folder, 'slack.jwk'),
      },
    }),
    {
      prepare: async (harness) => {
        file('slack.jwk', await registerAttester(harness, 'slack'));
        allowSlack(harness);
      },
    },
  );
  const notify = file(
    'notify.yaml',
    `channels: { slack: { kind: slack, tokenFile: token, apiUrl: "${apiUrl}" } }
links: { request: "https://countersign.example.com/requests/{id}" }
people: { person/mira: [{ channel: slack, mention: U0MIRA }] }
pace: { digestWithin: 300ms }\n`,
  );
  // The worker's own settings name the server in the same way.
  process.env['TEMPORAL_ADDRESS'] = gateway.harness.server.address;
  const settings = readSettings({ COUNTERSIGN_NOTIFY: notify });
  if (!settings.ok) throw new Error(settings.problems.join());
  telling = notificationsOf(
    { settings: { ...settings.settings, COUNTERSIGN_NOTIFY_INTERVAL_SECONDS: 0.2 } },
    {
      bundles: await gateway.harness.bundles(SILENT_LOGGER),
      ledger: gateway.harness.ledger,
      ledgerUrl: gateway.harness.postgres.url,
      logger: SILENT_LOGGER,
    },
  );
}, 300_000);
afterAll(async () => {
  await telling?.stop();
  await gateway?.stop();
  slack.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The buttons that the app wrote to a member about a request. */
const buttonsFor = (member: string, { id }: Pick<AccessRequest, 'id'>) =>
  eventually(`a message about ${id}`, async () =>
    posted
      .filter(({ channel }) => channel === member)
      .flatMap(({ blocks }) => blocks)
      .find(({ block_id }) => block_id === `${id}:buttons`),
  );

/** Has a member press a button, as Slack tells it. */
function press(button: Button, about: { readonly account?: string; readonly secret?: string } = {}) {
  const { account = 'U0MIRA', secret = SECRET } = about;
  const payload = {
    type: 'block_actions',
    user: { id: account, team_id: 'T0ACME' },
    team: { id: 'T0ACME', domain: 'acme' },
    container: { type: 'message', message_ts: '1700000000.000100', channel_id: 'D0MIRA' },
    // Slack gives every press one of its own.
    trigger_id: randomUUID(),
    actions: [{ ...button, type: 'button', block_id: 'as-posted' }],
  };
  const raw = `payload=${encodeURIComponent(JSON.stringify(payload))}`;
  const timestamp = String(Math.floor(Date.now() / 1_000));
  return gateway.web.call('/v1/slack/interactions', {
    raw,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${raw}`).digest('hex')}`,
    },
  });
}

describe('FRI-2, TTA-4, WEB-2 from a message in Slack to the grant', () => {
  test('the press of its button gives access, once, to whom it was for', async () => {
    const { harness } = gateway;
    const request = await harness.cast.ask(WRITE);
    const { elements = [] } = await buttonsFor('U0MIRA', request);
    const [open, approve, deny] = elements;
    if (approve === undefined) throw new Error('nothing to press');
    expect(open?.url).toBe(`https://countersign.example.com/requests/${request.id}`);
    expect(deny?.action_id).toBe('countersign_deny');

    expect(await press(approve, { secret: 'of another app' })).toMatchObject({ status: 401 });
    expect((await press(approve, { account: 'U0EVE' })).json).toEqual({
      outcome: 'refused',
      code: 'UNKNOWN_ACCOUNT',
    });
    expect(await harness.holds('payments_ci', 'production_write')).toBe(false);

    expect((await press(approve)).json).toEqual({ outcome: 'accepted' });
    expect(await harness.cast.settled(request)).toMatchObject({ status: 'active' });
    expect(await harness.holds('payments_ci', 'production_write')).toBe(true);
    expect((await press(approve)).json).toMatchObject({ outcome: 'refused' });
    expect(told).toContain('Your approval counts.');
  });

  test('a request that needs a signature has only the link', async () => {
    const request = await gateway.harness.cast.ask(ADMIN);
    const { elements = [] } = await buttonsFor('U0MIRA', request);
    expect(elements.map(({ action_id }) => action_id)).toEqual(['countersign_open']);
  });
});
