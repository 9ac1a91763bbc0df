import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { SnapshotStore } from '../../../src/directory/sources/store';
import { createBundleSource, FileTicketSource, withSources } from '../../../src/policy';
import { generateKey } from '../../../src/signing/keys';
import { runDirectory } from '../../support/directory-command';
import { exampleBundleCopy, spoiled } from '../../support/policy/spoiled-bundle';
import { startPostgres, type TestPostgres } from '../../support/postgres';

let postgres: TestPostgres;
let dir: string;
let store: SnapshotStore;
let env: Readonly<Record<string, string>>;
beforeAll(async () => {
  postgres = await startPostgres();
  dir = exampleBundleCopy();
  const { privateJwkText, publicJwk } = await generateKey();
  writeFileSync(path.join(dir, 'reader.jwk'), privateJwkText, { mode: 0o600 });
  const keys = JSON.stringify([{ jwk: publicJwk, assurance: 'key', channel: 'cli' }]);
  spoiled(
    path.join(dir, 'directory.yaml'),
    'identities:\n',
    `identities:\n  service/directory: { title: Reads, owner: person/david, sponsor: person/oskar, keys: ${keys} }\n`,
  );
  spoiled(path.join(dir, 'directory.yaml'), 'members: [person/jonas, person/ravi] }', 'members: [] }');
  env = {
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    COUNTERSIGN_BUNDLE: dir,
    COUNTERSIGN_REGISTER_URL: postgres.url,
    COUNTERSIGN_CONNECTOR_WAREHOUSE_URL: postgres.url,
  };
  store = new SnapshotStore({ url: postgres.url, logger: SILENT_LOGGER });
}, 120_000);
afterAll(async () => {
  await store?.close();
  await postgres?.stop();
  if (dir !== undefined) rmSync(dir, { recursive: true });
});

const calendar = (who: string, days = 1) => {
  const day = (ms: number) => `${new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '')}`;
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'BEGIN:VEVENT',
    'UID:a',
    `DTSTART:${day(Date.now() - 3_600_000)}`,
    `DTEND:${day(Date.now() + days * 86_400_000)}`,
    ...who.split(' ').map((one) => `ATTENDEE:${one}`),
    'END:VEVENT',
    'END:VCALENDAR',
  ];
  writeFileSync(path.join(dir, 'pager.ics'), `${lines.join('\r\n')}\r\n`);
};
const sync = () =>
  runDirectory(env, 'sync', '--as', 'service/directory', '--key', path.join(dir, 'reader.jwk'));
async function onCallAfter(ms: number): Promise<readonly string[]> {
  const nowMs = () => Date.now() + ms;
  const files = await createBundleSource(dir, {
    tickets: new FileTicketSource(undefined),
    logger: SILENT_LOGGER,
  });
  await store.latest();
  const { directory } = await withSources(files, store, SILENT_LOGGER, nowMs).current();
  return directory.membersOf('on-call', Date.now());
}

test('DIR-4, DIR-3 who is on call is taken from shift to shift, and nobody once the calendar is away for too long', async () => {
  writeFileSync(
    path.join(dir, 'sources.yaml'),
    `readers: [service/directory]
sources: {}
calendars:
  pager:
    file: ${path.join(dir, 'pager.ics')}
    group: on-call
    most: 2
    staleAfter: 30m
    people: { jonas@example.com: person/jonas, ravi@example.com: person/ravi, nadia@example.com: person/nadia }
`,
  );
  calendar('jonas@example.com');
  expect(await sync()).toEqual([
    expect.stringMatching(/^pager: 1 /),
    '  + person/jonas in group on-call',
    expect.stringMatching(/note: nobody is on call from .* on/),
  ]);
  expect(await onCallAfter(0)).toEqual(['person/jonas']);
  // Nadia governs, so she approves nothing whatever the calendar says; everybody changes at once, and nothing is held.
  calendar('ravi@example.com nadia@example.com');
  expect(await sync()).toEqual(
    expect.arrayContaining(['  + person/ravi in group on-call', '  - person/jonas in group on-call']),
  );
  expect(await onCallAfter(0)).toEqual(['person/ravi']);

  rmSync(path.join(dir, 'pager.ics'));
  expect(await sync()).toEqual([
    expect.stringMatching(/^refused: pager: .*pager.ics cannot be read.*last goes on to count/),
  ]);
  expect(await onCallAfter(29 * 60_000)).toEqual(['person/ravi']);
  expect(await onCallAfter(31 * 60_000)).toEqual([]);

  calendar('jonas@example.com', 3);
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
  expect((await runDirectory(env, 'show', 'on-call', '--at', tomorrow))[0]).toBe(
    `on-call at ${tomorrow}: person/jonas`,
  );
  const later = new Date(Date.now() + 5 * 86_400_000).toISOString();
  expect(await runDirectory(env, 'show', 'on-call', '--at', later)).toEqual([
    `on-call at ${later}: nobody`,
    '  note: pager: nobody is on call in the next week',
  ]);
  expect((await runDirectory(env, 'show')).join('\n')).toMatch(/^pager: .*read .* ago/);
}, 120_000);
