import { createContext } from '../../../src/cli/context';
import { withOpened } from '../../../src/cli/directory/opened';
import { readerOf } from '../../../src/cli/directory/reader';
import { followSources } from '../../../src/cli/directory/sync';
import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { PostgresqlLedger } from '../../../src/ledger';
import { watchStanding } from '../../../src/reconciler';
import { readKeyFile } from '../../../src/signing/keys';
import { authorise } from '../../support/authorisation';
import { runCommand } from '../../support/directory-command';
import { noteFigure, shareOf } from '../../support/figures';
import { eventuallyTrue } from '../../support/harness-wait';
import { startPostgres, type TestPostgres, WAREHOUSE } from '../../support/postgres';
import { Provider, PushedOffice } from '../../support/pushed-office';

/* People leave at an identity provider that pushes, with the reader and the worker's watch as they run in production. */

jest.setTimeout(240_000);

const LEAVERS = 30;
/** As `countersign worker` has it. */
const INTERVAL_MS = 5_000;

let office: PushedOffice;
let provider: Provider;
let target: TestPostgres;
let ledger: PostgresqlLedger;
let connector: PostgresqlConnector;
beforeAll(async () => {
  office = await PushedOffice.open(200);
  provider = new Provider(await office.gateway());
  target = await startPostgres();
  await target.query(WAREHOUSE);
  ledger = new PostgresqlLedger({ url: office.postgres.url });
  connector = new PostgresqlConnector({ url: target.url });
}, 180_000);
afterAll(async () => {
  await Promise.all([ledger?.close(), connector?.close()]);
  await office?.close();
  target?.stop();
});

const names = Array.from({ length: LEAVERS + 1 }, (_, at) => `leaver${at}`);
const holds = async (account: string): Promise<boolean> => {
  const [row] = await target.query("SELECT pg_has_role($1, 'production_write', 'MEMBER') AS held", [account]);
  return row?.['held'] === true;
};

async function grantTo(name: string): Promise<void> {
  await target.query(`CREATE ROLE ${name} LOGIN`);
  const nowMs = Date.now();
  const person = `person/${name}`;
  await ledger.granted({
    digest: `sha-256:${name.padEnd(43, 'x')}`,
    request: `request-of-${name}`,
    connector: 'warehouse',
    emergency: false,
    requester: person,
    beneficiary: person,
    parties: [person],
    participants: [],
    reviewers: [],
    grantedAtMs: nowMs,
    expiresAtMs: nowMs + 3_600_000,
  });
  const terms = { id: `request-of-${name}`, account: name, role: 'production_write', durationMs: 3_600_000 };
  expect(await connector.provision(await authorise(terms))).toMatchObject({ outcome: 'granted' });
}

/** The ways in which identity providers say that somebody left. */
const WAYS: readonly ((id: string, name: string) => Promise<{ readonly status: number }>)[] = [
  (id) => provider.patch(`/Users/${id}`, { op: 'Replace', path: 'active', value: 'False' }),
  (id) => provider.patch(`/Users/${id}`, { op: 'replace', value: { active: false } }),
  (id, userName) =>
    provider.call(`/Users/${id}`, 'PUT', { userName, displayName: `Name of ${userName}`, active: false }),
  (id) => provider.call(`/Users/${id}`, 'DELETE'),
];

test('DIR-2, FRI-7 whoever leaves loses what they hold within a minute, and nobody else does', async () => {
  const ids = new Map<string, string>();
  for (const name of names) ids.set(name, await provider.user(name));
  await office.sync();
  for (const name of names) await grantTo(name);
  const process = await office.process();
  const standing = watchStanding({
    ...{ ledger, logger: SILENT_LOGGER, intervalMs: INTERVAL_MS },
    connectors: new Map([['warehouse', connector]]),
    directory: async () => (await process.current()).directory,
  });
  const stopping = new AbortController();
  const key = await readKeyFile(office.key('directory'));
  const following = withOpened(await createContext(office.env), SILENT_LOGGER, (opened) =>
    followSources(opened, readerOf(opened, { principal: 'service/directory', key }, SILENT_LOGGER), {
      everyMs: 15_000,
      signal: stopping.signal,
      tell: () => undefined,
    }),
  );
  try {
    const lags: number[] = [];
    const [staying = '', ...leaving] = names;
    await Promise.all(
      leaving.map(async (name, at) => {
        await new Promise((resolve) => setTimeout(resolve, at * 700));
        const way = WAYS[at % WAYS.length];
        const begun = performance.now();
        expect((await way?.(ids.get(name) ?? '', name))?.status).toBeLessThan(300);
        await eventuallyTrue(`${name} has no access`, async () => !(await holds(name)), 60_000);
        lags.push(performance.now() - begun);
      }),
    );
    expect(await holds(staying)).toBe(true);
    const { directory } = await process.current();
    expect(names.filter((name) => directory.standingOf(`person/${name}`, Date.now())?.active)).toEqual([
      staying,
    ]);
    noteFigure(
      `${lags.length} leavers from the push to the ended grant: p50 ${shareOf(lags, 0.5)}, p99 ${shareOf(lags, 0.99)}`,
    );
  } finally {
    stopping.abort();
    await following;
    await standing.stop();
  }
});

test('FRI-7 governance is told what somebody holds who left', async () => {
  const [staying = ''] = names;
  const { json } = await provider.call(`/Users?filter=${encodeURIComponent(`userName eq "${staying}"`)}`);
  await provider.patch(`/Users/${json.Resources[0].id}`, { op: 'replace', path: 'active', value: false });
  await office.sync();
  const told = (await runCommand('friction', office.env, 'leaving')).join('\n');
  expect(told).toMatch(/person\/leaver0[^\d]/);
  expect(told).toMatch(/request-of-leaver0/);
});
