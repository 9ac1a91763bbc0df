import { eventsOnServer } from '../../../src/cli/friction/sources';
import { driftOn, knownOf } from '../../../src/cli/friction/surroundings';
import { NewestRequests, noteServer } from '../../../src/cli/recorded-requests';
import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { readSettings } from '../../../src/contracts/settings';
import { FrictionTally } from '../../../src/friction/tally';
import {
  authoritiesOf,
  bundleOf,
  FileTicketSource,
  preview,
  readBundleFiles,
  withChange,
} from '../../../src/policy';
import { refuseUnsigned } from '../../../src/verified/signed-events';
import type { Claim } from '../../../src/verified/verify-request';
import { Harness } from '../../support/harness';
import { READ, WRITE } from '../../support/harness-asks';
import { eventuallyTrue } from '../../support/harness-wait';

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
}, 120_000);
afterAll(() => harness?.stop());

describe('FRI-4 friction of requests on a real server', () => {
  test('is read from their events, with teams of the directory and drift found on the target', async () => {
    const fromMs = Date.now() - 60_000;
    const read = await harness.cast.ask({ ...READ, durationMs: 60_000 });
    await harness.cast.settled(read);
    const write = await harness.cast.ask({ ...WRITE, durationMs: 60_000 });
    await harness.cast.say('person/mira', 'approve', write);
    await harness.cast.settled(write);
    const denied = await harness.cast.ask(WRITE);
    await harness.cast.say('person/tomas', 'deny', denied);
    const connector = new PostgresqlConnector({ url: harness.postgres.url });
    await connector.findings.keep({ kind: 'drift', account: 'atlas_agent', grant: 'production_write' });
    await connector.close();

    const span = { fromMs, toMs: Date.now() + 60_000 };
    await eventuallyTrue('three requests are listed', async () => {
      let seen = 0;
      for await (const id of harness.client.requestIds(span)) seen += id === '' ? 0 : 1;
      return seen === 3;
    });
    const env = {
      COUNTERSIGN_BUNDLE: harness.bundle.dir,
      COUNTERSIGN_CONNECTOR_WAREHOUSE_URL: harness.postgres.url,
      COUNTERSIGN_CONNECTOR_CHANGES_URL: harness.postgres.url,
    };
    const settings = readSettings(env);
    if (!settings.ok) throw new Error(settings.problems.join());
    const announced: string[] = [];
    const context = {
      settings: settings.settings,
      env,
      announce: (line: string) => void announced.push(line),
    };
    const known = await knownOf(context, Date.now());
    if (known === undefined) throw new Error('the bundle cannot be used');
    const tally = new FrictionTally({ ...span, teamsOf: known.teamsOf });
    const leftOut = { unanswered: 0, unproved: 0 };
    const { directory } = authoritiesOf()(known.bundle);
    const refuse = (claim: Claim) => refuseUnsigned(claim, directory, Date.now());
    const isElsewhere = async (id: string) => id === denied.id;
    for await (const events of eventsOnServer(harness.client, span, isElsewhere, refuse, leftOut))
      tally.add(events);
    for await (const seen of driftOn(known, context)) tally.addDrift(seen);

    const { total, by, approvers, unreadable } = tally.figures();
    expect({ announced, leftOut, unreadable }).toEqual({
      announced: [],
      leftOut: { unanswered: 0, unproved: 0 },
      unreadable: 0,
    });
    expect(total).toMatchObject({ requests: 2, byPolicy: 1, prompts: 2, approvals: 1, drift: 1 });
    expect(total.outcomes).toMatchObject({ granted: 2, denied: 0 });
    expect(by.entitlement).toMatchObject([
      { name: 'warehouse:payments#write', requests: 1, drift: 1 },
      { name: 'warehouse:reporting#read', requests: 1, drift: 0 },
    ]);
    expect(by.team.map(({ name }) => name)).toContain('payments-workloads');
    expect(approvers.map(({ person, approvals }) => [person, approvals])).toEqual([
      ['person/mira', 1],
      ['person/tomas', 0],
    ]);
  });
});

describe('FRI-5 policy preview of requests on a real server', () => {
  test('finds no difference if policy has not changed, and each request that would be decided differently if it has', async () => {
    const newest = new NewestRequests(10);
    const refuse = async () => undefined;
    const leftOut = await noteServer(newest, harness.client, { limit: 10, archive: undefined, refuse });
    expect(leftOut).toEqual({ unanswered: 0, unproved: 0 });
    const recorded = newest.newest();
    expect(recorded.map(({ assessment }) => assessment.outcome).sort()).toEqual([
      'approve',
      'approve',
      'permit',
    ]);
    const files = await readBundleFiles(harness.bundle.dir);
    if (!files.ok) throw new Error('the bundle cannot be read');
    const would = (change: Parameters<typeof withChange>[1]) => {
      const changed = withChange(files.value, change);
      const loaded = changed.ok ? bundleOf(changed.files, new FileTicketSource(undefined)) : changed;
      if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
      return preview(loaded.bundle.policy, recorded).map(({ before, after }) =>
        [before, after].map(firstWord),
      );
    };
    expect(would({ add: '', exempt: { policies: [], clause: '' } })).toEqual([]);
    const exempt = { policies: ['reporting-read'], clause: 'unless { true }' };
    expect(would({ add: '', exempt })).toEqual([['permit', 'refuse']]);
  });
});

const firstWord = (text: string): string => text.split(/\W/)[0] ?? '';
