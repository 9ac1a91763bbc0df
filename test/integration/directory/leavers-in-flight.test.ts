import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { generateKey } from '../../../src/signing/keys';
import { Harness } from '../../support/harness';
import { ADMIN, WRITE } from '../../support/harness-asks';
import { Provider, PushedOffice, TOKEN } from '../../support/pushed-office';

/* Somebody leaves at the identity provider while requests wait for them, or rest on what they approved. */

jest.setTimeout(120_000);

let harness: Harness;
let office: PushedOffice;
let provider: Provider;
let keys: string;
const ids = new Map<string, string>();
beforeAll(async () => {
  keys = mkdtempSync(path.join(tmpdir(), 'countersign-leavers-'));
  harness = await Harness.start({ worker: false, sourced: true });
  const { privateJwkText, publicJwk } = await generateKey();
  writeFileSync(path.join(keys, 'directory.jwk'), privateJwkText, { mode: 0o600 });
  writeFileSync(path.join(keys, 'token'), TOKEN);
  harness.bundle.set('directory.yaml', ['identities', 'service/directory'], {
    ...{ title: 'Reads the sources', owner: 'person/david', sponsor: 'person/oskar' },
    keys: [{ jwk: publicJwk, assurance: 'key', channel: 'cli' }],
  });
  writeFileSync(
    path.join(harness.bundle.dir, 'sources.yaml'),
    `readers: [service/directory]
sources: { office: { kind: scim-server, tokenFile: ${path.join(keys, 'token')}, groups: {} } }
`,
  );
  const gatewayKey = await harness.cast.key('service/gateway');
  office = new PushedOffice(harness.postgres, harness.bundle.dir, keys, gatewayKey, [], SILENT_LOGGER);
  provider = new Provider(await office.gateway());
  for (const name of ['Mira', 'Tomas', 'David'])
    ids.set(name, await provider.user(name.toLowerCase(), { displayName: name }));
  expect((await office.sync())[0]).toMatch(/^office: 3 people are active/);
  await harness.startWorker();
}, 180_000);
afterAll(async () => {
  await office?.stopGateways();
  await harness?.stop();
  rmSync(keys, { recursive: true, force: true });
});

async function setActive(name: string, active: boolean): Promise<void> {
  const changed = await provider.patch(`/Users/${ids.get(name)}`, {
    op: 'Replace',
    path: 'active',
    value: active,
  });
  expect(changed.status).toBe(200);
  await office.sync();
}

describe('TTA-6, DIR-2 somebody leaves while a request is in flight', () => {
  afterEach(() => setActive('Mira', true));

  test('what they approved before counts no more when the act is due', async () => {
    const request = await harness.cast.ask({ ...ADMIN, durationMs: 60_000 });
    expect(await harness.cast.say('person/mira', 'approve', request)).toBe('accepted');
    await setActive('Mira', false);
    await harness.cast.say('person/david', 'approve', request);
    const { status, failure } = await harness.cast.settled(request);
    expect([status, failure?.code]).toEqual(['failed', 'DISABLED_IDENTITY']);
    expect(await harness.holds('payments_ci', 'production_admin')).toBe(false);
  });

  test('what they sign afterwards is refused, and others decide without them', async () => {
    const request = await harness.cast.ask({ ...WRITE, durationMs: 60_000 });
    await setActive('Mira', false);
    expect(await harness.cast.say('person/mira', 'approve', request)).toBe('DISABLED_IDENTITY');
    expect(await harness.cast.say('person/tomas', 'approve', request)).toBe('accepted');
    expect((await harness.cast.settled(request)).status).toBe('active');
    expect(await harness.holds('payments_ci', 'production_write')).toBe(true);
  });
});
