import { setTimeout as sleep } from 'node:timers/promises';
import { Looker } from '../../../src/channels/look';
import { notifySchema } from '../../../src/channels/notify-file';
import { PastRequests } from '../../../src/channels/past';
import type { Context } from '../../../src/cli/context';
import { createContext } from '../../../src/cli/context';
import { eventsOnServer } from '../../../src/cli/friction/sources';
import { noticeAuthorityOver } from '../../../src/cli/notify/beside-worker';
import { NewestRequests, noteServer } from '../../../src/cli/recorded-requests';
import { CliVerifier, readRequest } from '../../../src/cli/verified';
import type { RequestRow } from '../../../src/client';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { fold } from '../../../src/domain/evolve';
import { byKey, Requester } from '../../../src/enforcement';
import { Approvals } from '../../../src/gateway/requests/approvals';
import { TaskView } from '../../../src/gateway/requests/task-view';
import { describeStanding } from '../../../src/mcp/answers';
import { authoritiesOf } from '../../../src/policy';
import { refuseUnsigned } from '../../../src/verified/signed-events';
import type { VerifiedList } from '../../../src/verified/verified-requests';
import { PageService } from '../../../src/web/page-service';
import type { Visitor } from '../../../src/web/sessions';
import { RequestGateway } from '../gateway/support/request-gateway';
import { APPROVER, CASES, type Case, Stranger } from './made-up-cases';
import { byStatus, nothing, type Place, runPlaces, type Shown } from './made-up-run-places';

/*
 * Every place that shows requests, and what it shows of each request that a stranger made up: nothing, a mark that it is not proved, or that
 * it was refused, which is true. Showing it as if it were true fails the test. The true request has to be shown as true in every place.
 */

let gateway: RequestGateway;
let stranger: Stranger;
let places: Readonly<Record<string, Place>>;
const shown = new Map<string, Shown>();
let stopAll: readonly (() => Promise<unknown>)[] = [];

/** What a list says of a request: its rows are said as true, unless they carry a mark of their own. */
const inRows = (rows: readonly RequestRow[], id: string): Shown => {
  const row = rows.find((one) => one.id === id);
  if (row === undefined) return 'nothing';
  return row.basis === 'derived' ? byStatus(row.status) : 'a mark';
};

/** Reads a list once, for all requests. */
function once<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined;
  return () => {
    reading ??= read();
    return reading;
  };
}

/** A slow machine does not get an answer for each row in the time of one look. */
const LOOKS = 5;
const LOOK_AGAIN_MS = 6_000;

const inList = (list: () => Promise<VerifiedList>): Place => {
  const reading = once(async () => {
    let read = await list();
    const isMissing = () => !read.rows.some(({ id }) => id === stranger.honest.id);
    for (let looks = 1; looks < LOOKS && isMissing(); looks += 1) {
      // Pages keep a list for a moment, so an earlier look would see the same one.
      await sleep(LOOK_AGAIN_MS);
      read = await list();
    }
    return read;
  });
  return async (id) => inRows((await reading()).rows, id);
};

const visitorOf = (person: string, roles: readonly string[] = []): Visitor => ({
  person,
  standing: { id: person, kind: 'person', active: true, roles, groups: [] },
  passkey: {
    ...{ kind: 'passkey', principal: person, assurance: 'phishing-resistant', channel: 'web' },
    ...{ keyId: 'a', publicKey: 'b', rpId: 'localhost', origin: 'http://localhost' },
  },
  untilMs: Date.now() + 60_000,
});

function commandPlaces(context: Context, verifier: CliVerifier): Record<string, Place> {
  const { client } = gateway.harness;
  return {
    'client.get': (id) =>
      client.get(id).then(({ basis, status }) => (basis === 'server' ? 'a mark' : byStatus(status)), nothing),
    'client.list': async (id) => inRows(await client.list({ limit: 1_000 }), id),
    'request show': (id) =>
      readRequest(context, client, id).then(
        ({ view, proof }) => (proof.holds ? byStatus(view.status) : 'a mark'),
        nothing,
      ),
    'request list': inList(() => verifier.withStatus(undefined, 1_000)),
    'request list --awaiting': inList(() => verifier.awaiting(APPROVER, 1_000)),
  };
}

function gatewayPlaces(): Record<string, Place> {
  const read = (path: string) => async (id: string) => {
    const { status, json } = await gateway.as(APPROVER, `/v1/requests/${id}${path}`);
    if (status !== 200) return 'nothing';
    if (!json.proof.holds) return 'a mark';
    return byStatus(json.status ?? json.view.status);
  };
  const list = (path: string): Place => {
    const reading = once(async () => {
      let read = await gateway.as(APPROVER, path);
      const isThere = () => read.json.requests.some(({ id }: { id: string }) => id === stranger.honest.id);
      for (let looks = 1; looks < LOOKS && !isThere(); looks += 1) read = await gateway.as(APPROVER, path);
      return read;
    });
    return async (id) => {
      const { json } = await reading();
      const row = json.requests.find((one: { id: string }) => one.id === id);
      return row === undefined ? 'nothing' : byStatus(row.status);
    };
  };
  return {
    'gateway: a request': read(''),
    'gateway: its view': read('/view'),
    'gateway: what awaits me': list('/v1/awaiting'),
    'gateway: what concerns me': list('/v1/requests'),
  };
}

function pagePlaces(): Record<string, Place> {
  const pages = new PageService(gateway.gateway);
  const visitor = visitorOf(APPROVER);
  const asker = visitorOf('ci/payments');
  return {
    'pages: a request': (id) => pages.read(visitor, id).then(({ view }) => byStatus(view.status), nothing),
    'pages: what awaits me': inList(() => pages.awaiting(visitor)),
    'pages: what waits': inList(() => pages.waiting()),
    'pages: what I asked': inList(() => pages.askedBy(asker)),
    'pages: what I hold': inList(() => pages.heldBy(asker)),
    'pages: search': inList(() => pages.search({})),
    'pages: owed reviews': inList(() => pages.owingReview()),
  };
}

async function agentPlaces(): Promise<Record<string, Place>> {
  const { harness } = gateway;
  const { client } = harness;
  const { bundles, keys, verified } = gateway.gateway;
  const credential = byKey('ci/payments', await gateway.key('ci/payments'), gateway.url);
  const agent = await Requester.at({ gateway: gateway.url, credential });
  const ledger = harness.workerLedger;
  const authority = async () => authoritiesOf(ledger)(await bundles.current());
  const common = { client, keys, bundles, authority, ledger, publicUrl: gateway.url, nowMs: Date.now };
  const approvals = new Approvals({ ...common, enforcementPoints: new Set() });
  const tasks = new TaskView({ ...common, verified, approvals, endpoint: gateway.url });
  return {
    'MCP: a request': (id) =>
      agent.look(id).then((standing) => {
        const { status } = describeStanding(standing);
        return status === 'not proved' ? 'a mark' : byStatus(String(status));
      }, nothing),
    'access request profile: a task': async (id) => {
      const scope = { binding_hash: 'x'.repeat(43), binding_context_members: [] };
      const items = [{ request: { ...stranger.honest, id }, scope }];
      const record = { id: `arq_${id}`, isBundle: false, isWhole: true, body: '', items };
      const seen = await tasks.look(record, 0).catch(() => undefined);
      if (seen === undefined) return 'nothing';
      const { task } = await tasks.describe(record, seen);
      const description = task.display?.['description'] ?? '';
      if (/not proved/.test(description)) return 'a mark';
      if (/being looked at/.test(description)) return 'nothing';
      return task.status === 'denied' ? 'refused' : 'true';
    },
  };
}

async function toldPlaces(): Promise<Record<string, Place>> {
  const { harness } = gateway;
  const bundles = await harness.bundles(SILENT_LOGGER);
  const past = new PastRequests(harness.postgres.url);
  stopAll = [...stopAll, () => past.close()];
  const requests = { waiting: async () => [], events: (id: string) => harness.client.events(id) };
  const authority = noticeAuthorityOver(bundles, harness.workerLedger);
  const looker = new Looker({ requests, past, authority, nowMs: Date.now });
  const { pace } = notifySchema.parse({ channels: {}, people: {} });
  const { directory } = authoritiesOf()(await bundles.current());
  const refuse = (claim: Parameters<typeof refuseUnsigned>[0]) =>
    refuseUnsigned(claim, directory, Date.now());
  const previewed = once(async () => {
    const newest = new NewestRequests(1_000);
    const read = { limit: 1_000, archive: undefined, refuse };
    await noteServer(newest, harness.client, read);
    return new Set(newest.newest().map(({ request }) => request.id));
  });
  const counted = once(async () => {
    const found = new Map<string, Shown>();
    const leftOut = { unanswered: 0, unproved: 0 };
    const span = { fromMs: 0, toMs: Date.now() + 60_000 };
    for await (const events of eventsOnServer(harness.client, span, async () => false, refuse, leftOut)) {
      const state = Array.isArray(events) ? fold(events) : null;
      if (state !== null && state.phase !== 'unread')
        found.set(state.submission.request.id, byStatus(state.status));
    }
    return found;
  });
  return {
    notifications: async (id) => {
      const prompts = await looker.prompts(id, pace).catch(() => undefined);
      return (prompts?.notices.length ?? 0) > 0 ? 'true' : 'nothing';
    },
    friction: async (id) => (await counted()).get(id) ?? 'nothing',
    'policy preview': async (id) => ((await previewed()).has(id) ? 'true' : 'nothing'),
  };
}

beforeAll(async () => {
  gateway = await RequestGateway.start();
  stranger = await Stranger.start(gateway);
  const { harness } = gateway;
  const context = await createContext({
    TEMPORAL_ADDRESS: harness.server.address,
    COUNTERSIGN_STATE_DIR: harness.stateDir,
    COUNTERSIGN_BUNDLE: harness.bundle.dir,
    COUNTERSIGN_TICKETS: harness.ticketsFile,
  });
  const verifier = await CliVerifier.open(context, harness.client);
  if (typeof verifier === 'string') throw new Error(verifier);
  places = {
    ...commandPlaces(context, verifier),
    ...gatewayPlaces(),
    ...pagePlaces(),
    ...(await agentPlaces()),
    ...(await toldPlaces()),
    ...(await runPlaces(gateway)),
  };
  // What does not answer takes ten seconds in each place, so all are read at once.
  const read = (cases: readonly Case[]) =>
    Object.entries(places).flatMap(([name, place]) =>
      cases.map(async (how) => shown.set(`${name} / ${how}`, await place(stranger.idOf(how)))),
    );
  await Promise.all(read(CASES));
  // The true one alone, so that no answer of its comes too late on a slow machine.
  for (const [name, place] of Object.entries(places))
    shown.set(`${name} / honest`, await place(stranger.honest.id));
}, 240_000);

afterAll(async () => {
  for (const stop of stopAll) await stop();
  await stranger?.stop();
  await gateway?.stop();
});

/** Where a true request that waits is not listed. */
const ELSEWHERE = ['pages: what I hold', 'pages: owed reviews'];
/** What these say of everything is marked. */
const ALWAYS_MARKED = ['client.get', 'client.list', 'run'];
/** These verify signatures; that access was given, and what policy said then, is the server's word, and the output says so. */
const WORD_OF_THE_SERVER = ['friction', 'policy preview'].flatMap((place) =>
  [CASES[9], CASES[13]].map((how) => `${place} / ${how}`),
);

const PLACES = [
  ...['client.get', 'client.list', 'request show', 'request list', 'request list --awaiting'],
  ...['gateway: a request', 'gateway: its view', 'gateway: what awaits me', 'gateway: what concerns me'],
  ...['pages: a request', 'pages: what awaits me', 'pages: what waits', 'pages: what I asked'],
  ...['pages: what I hold', 'pages: search', 'pages: owed reviews'],
  ...['MCP: a request', 'access request profile: a task', 'notifications', 'friction'],
  ...['policy preview', 'run', 'run at a gateway'],
];

describe.each(PLACES)('TTA-5, AUD-5, WEB-5 %s', (place) => {
  test('shows the true request', () => {
    const expected = ALWAYS_MARKED.includes(place)
      ? 'a mark'
      : ELSEWHERE.includes(place)
        ? 'nothing'
        : 'true';
    expect(shown.get(`${place} / honest`)).toBe(expected);
  });

  const derived = CASES.filter((how) => !WORD_OF_THE_SERVER.includes(`${place} / ${how}`));
  test.each(derived)('shows nothing as true of %s', (how) => {
    expect(['nothing', 'a mark', 'refused']).toContain(shown.get(`${place} / ${how}`));
  });
});

test('every place is tried', () => {
  expect(Object.keys(places).sort()).toEqual([...PLACES].sort());
});
