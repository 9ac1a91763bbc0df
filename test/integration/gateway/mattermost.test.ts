import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { notificationsOf } from '../../../src/cli/notify/beside-worker';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { readSettings } from '../../../src/contracts/settings';
import type { AccessRequest } from '../../../src/domain/request';
import { allowChannel, registerAttester } from '../../support/attester';
import { EVE, FakeMattermost, MIRA } from '../../support/channels/fake-mattermost';
import { ADMIN, WRITE } from '../../support/harness-asks';
import { eventually } from '../../support/harness-wait';
import { RequestGateway } from './support/request-gateway';

/* A message in Mattermost, the press of its button, and the grant. The server is played, as Mattermost describes its API. */

const folder = mkdtempSync(path.join(tmpdir(), 'countersign-mattermost-'));
let mattermost: FakeMattermost;
let gateway: RequestGateway;
let telling: ReturnType<typeof notificationsOf>;

const file = (name: string, content: string) => {
  writeFileSync(path.join(folder, name), content, { mode: 0o600 });
  return path.join(folder, name);
};

beforeAll(async () => {
  mattermost = await FakeMattermost.start('token-of-the-bot');
  const tokenFile = file('token', mattermost.token);
  const secretFile = file('secret', 'a secret of worker and gateway');
  gateway = await RequestGateway.start(
    () => ({
      mattermost: {
        ...{ workspace: 'acme', url: mattermost.url, tokenFile, secretFile },
        ...{ attester: 'service/mattermost', keyFile: path.join(folder, 'mattermost.jwk') },
      },
    }),
    {
      prepare: async (harness) => {
        file('mattermost.jwk', await registerAttester(harness, 'mattermost'));
        allowChannel(harness, 'mattermost', `acme/${MIRA}`);
      },
    },
  );
  const notify = file(
    'notify.yaml',
    `channels:
  mattermost:
    kind: mattermost
    url: ${mattermost.url}
    tokenFile: token
    choices: { gateway: "${gateway.url}", secretFile: secret }
links: { request: "https://countersign.example.com/requests/{id}" }
people: { person/mira: [{ channel: mattermost, mention: ${MIRA} }] }
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
  await mattermost?.stop();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => expect(mattermost.wrong).toEqual([]));

/** The post that tells of a request. */
const postAbout = ({ id }: Pick<AccessRequest, 'id'>) =>
  eventually(`a message about ${id}`, async () =>
    [...mattermost.posts].find(([, { message }]) => message.includes(`/requests/${id}`)),
  );

/** Has a member press the button of a post, as Mattermost tells it to the address in the button. */
async function press(post: string, account: string) {
  const pressed = mattermost.press(post, account);
  if (pressed === undefined) throw new Error('nothing to press');
  const response = await fetch(pressed.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(pressed.body),
  });
  return response.json();
}

describe('FRI-2, TTA-4, WEB-2 from a message in Mattermost to the grant', () => {
  test('the press of its button gives access, once, to whom it was for', async () => {
    const { harness } = gateway;
    const request = await harness.cast.ask(WRITE);
    const [post] = await postAbout(request);
    expect(await press(post, EVE)).toMatchObject({ outcome: 'refused', code: 'NOT_YOURS' });
    expect(await harness.holds('payments_ci', 'production_write')).toBe(false);
    expect(await press(post, MIRA)).toMatchObject({ outcome: 'accepted' });
    expect(await harness.cast.settled(request)).toMatchObject({ status: 'active' });
    expect(await harness.holds('payments_ci', 'production_write')).toBe(true);
    // Mattermost gives every press an id of its own, so this is another one.
    expect(await press(post, MIRA)).toMatchObject({ outcome: 'refused' });
  });

  test('a request that needs a signature has only the link', async () => {
    const request = await gateway.harness.cast.ask(ADMIN);
    const [post, { message }] = await postAbout(request);
    expect(mattermost.press(post, MIRA)).toBeUndefined();
    expect(message).toContain(`<https://countersign.example.com/requests/${request.id}>`);
  });
});
