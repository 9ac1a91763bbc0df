import { Connection } from '@temporalio/client';
import { replayHistory } from '../../src/audit/replay';
import { createContext } from '../../src/cli/context';
import { checkTemporal } from '../../src/cli/temporal-check';
import { workflowIdOf } from '../../src/contracts/names';
import { EVENT_LIMIT_SETTING, signalsWhileWorking } from '../../src/stack/event-limit';
import { builtWorkflowBundle, Harness } from '../support/harness';
import { WRITE } from '../support/harness-asks';
import { eventuallyTrue } from '../support/harness-wait';
import { startCluster, type TestCluster } from '../support/temporal-cluster';

/** One server with its own defaults, and one with the setting that we ask for. */
let plain: TestCluster;
let raised: TestCluster;
beforeAll(async () => {
  [plain, raised] = await Promise.all([startCluster(), startCluster({ [EVENT_LIMIT_SETTING]: 16_384 })]);
  await Promise.all(['north', 'south'].map((name) => raised.makeNamespace(name)));
  await plain.makeNamespace('north');
}, 180_000);
afterAll(() => Promise.all([plain?.stop(), raised?.stop()]));

describe('SHP-3 two namespaces of one server, of two companies', () => {
  let north: Harness;
  let south: Harness;
  beforeAll(async () => {
    const [one, other] = await Promise.all(
      ['north', 'south'].map((namespace) => Harness.start({ place: { server: raised.shared, namespace } })),
    );
    if (one === undefined || other === undefined) throw new Error('two were started');
    north = one;
    south = other;
  }, 90_000);
  afterAll(async () => {
    await north?.stop();
    await south?.stop();
  });

  test('what is asked in one is unknown in the other, and no signature of one counts in the other', async () => {
    const request = await north.cast.ask(WRITE);
    await expect(south.client.get(request.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await south.client.list()).toEqual([]);
    // The same request is submitted there, signed by the one whom that company knows by the same name.
    await south.client.submit(await south.cast.submission(request));
    await south.cast.settled(request);
    const ofNorth = await north.cast.sign('person/mira', 'approve', request);
    expect(await south.cast.carry(request, ofNorth)).toBe('UNKNOWN_KEY');
    expect(await north.cast.carry(request, ofNorth)).toBe('accepted');
    expect((await north.cast.settled(request)).status).toBe('active');
    expect((await south.cast.settled(request)).status).toBe('awaiting_approval');
    expect(await north.holds('payments_ci', 'production_write')).toBe(true);
    expect(await south.holds('payments_ci', 'production_write')).toBe(false);
  }, 60_000);

  test('each lives to its end on its own target, and its history replays', async () => {
    const lives = [north, south].map(async (company) => {
      const request = await company.cast.ask({ ...WRITE, durationMs: 3_000 });
      expect(await company.cast.say('person/mira', 'approve', request)).toBe('accepted');
      expect(await company.cast.over(request)).toMatchObject({ status: 'closed' });
      expect(await company.leases(request.id)).toMatchObject([{ end_reason: 'expired' }]);
      const history = await company.client.history(request.id);
      expect(await replayHistory(history, workflowIdOf(request.id), builtWorkflowBundle())).toEqual({
        ok: true,
      });
      return request.id;
    });
    const [ofNorth = '', ofSouth = ''] = await Promise.all(lives);
    expect(await south.leases(ofNorth)).toEqual([]);
    expect(await north.leases(ofSouth)).toEqual([]);
  }, 60_000);
});

describe('SHP-3 signals that arrive while a workflow task is open', () => {
  const sent = async (cluster: TestCluster, signals: number) => {
    const connection = await Connection.connect({ address: cluster.address });
    try {
      return await signalsWhileWorking(connection, 'north', signals);
    } finally {
      await connection.close();
    }
  };

  test('by the server’s default the 101st ends the task, and none is lost; with the setting they wait', async () => {
    expect(await sent(plain, 100)).toMatchObject({ accepted: 100, failedTask: false });
    expect(await sent(plain, 101)).toEqual({ accepted: 101, recorded: 101, failedTask: true });
    expect(await sent(raised, 1_000)).toMatchObject({ accepted: 1_000, failedTask: false });
  }, 60_000);

  test('doctor tries it, says which setting to raise, and leaves nothing behind', async () => {
    const asked = async (cluster: TestCluster, isOffline = false) => {
      const before = { ...process.env };
      Object.assign(process.env, { TEMPORAL_ADDRESS: cluster.address, TEMPORAL_NAMESPACE: 'north' });
      try {
        return await checkTemporal(await createContext(process.env), isOffline);
      } finally {
        process.env = before;
      }
    };
    expect(await asked(raised)).toMatchObject([
      { what: 'Temporal server', ok: true },
      { ok: true, detail: 'the server keeps 128 until the task is over' },
    ]);
    const [, warning] = await asked(plain);
    expect(warning).toMatchObject({
      ok: true,
      isWarning: true,
      detail: expect.stringContaining(EVENT_LIMIT_SETTING),
    });
    expect(await asked(plain, true)).toHaveLength(1);
    const connection = await Connection.connect({ address: plain.address });
    const query = "WorkflowType = 'countersign-event-limit'";
    await eventuallyTrue('nothing of the tries is left', async () => {
      const { count } = await connection.workflowService.countWorkflowExecutions({
        namespace: 'north',
        query,
      });
      return Number(count) === 0;
    });
    await connection.close();
  }, 60_000);
});
