import { CONNECTOR_DEFINITIONS, createConnectors } from '../../src/connectors';
import type { Connector } from '../../src/connectors/contract';
import { authorise } from '../../src/connectors/kit/authorise';
import { settingVariable } from '../../src/connectors/settings';
import { eventuallyTrue } from '../support/harness-wait';
import { startPostgres, type TestPostgres } from '../support/postgres';
import { GROUND_KINDS, type GroundKind, startGround, type TargetGround } from '../support/targets/grounds';
import { checkTarget } from './check';
import { Observer } from './observer';
import { IN_TARGET, inBook, type Watched } from './watched';

/** AWS is an emulator here, and an execution token gives nothing that could be held. */
const WITHOUT_STORM = ['aws-identity-center', 'execution-token'];
const NAME = 'warehouse';
const ROLE = 'reporting_read';
const HOLDER = 'life_00001';
const LEASE_MS = 60_000;
const STATED_LAG_MS = 100;
/** Servers take seconds to start, and minutes on a machine that is busy with other tests. */
const WITHIN_MS = 600_000;

/** A connector on a real target, watched as in a storm. */
class Scene {
  private constructor(
    private readonly postgres: TestPostgres,
    private readonly ground: TargetGround,
    private readonly watched: Watched,
    readonly connector: Connector,
    readonly observer: Observer,
  ) {}

  static async start(kind: GroundKind): Promise<Scene> {
    const postgres = await startPostgres();
    const ground = await startGround(kind, { accounts: [HOLDER], grants: [ROLE], connector: NAME }, postgres);
    const settings = Object.entries(ground.settings(ground.port)).map(([name, value]) => [
      settingVariable(NAME, name),
      value,
    ]);
    const env = { ...Object.fromEntries(settings), COUNTERSIGN_LEASES_URL: postgres.url };
    const connector = (await createConnectors([{ name: NAME, kind }], env)).get(NAME);
    if (connector === undefined) throw new Error(`no connector of the kind ${kind}`);
    // Makes the tables, and has Jest compile the library of the target before a transaction waits for it.
    await connector.list('all', [ground.grant(ROLE)]);
    const { holders } = ground;
    const watched = holders === undefined ? IN_TARGET : inBook(holders, STATED_LAG_MS);
    return new Scene(postgres, ground, watched, connector, await Observer.start(postgres.url, watched));
  }

  async give(id: string): Promise<void> {
    const { ground } = this;
    const access = { account: ground.account(HOLDER), grant: ground.grant(ROLE) };
    const given = await this.connector.provision(await authorise({ id, ...access, durationMs: LEASE_MS }));
    expect(given).toMatchObject({ outcome: 'granted' });
  }

  /** Changes the lease without the target. */
  async meddle(id: string, change: string): Promise<void> {
    await this.postgres.query(
      `UPDATE countersign.${this.watched.prefix}lease SET ${change} WHERE lease_id = $1`,
      [id],
    );
  }

  async seenTwiceMore(): Promise<void> {
    const before = this.observer.looks;
    await eventuallyTrue('the target was asked twice more', async () => this.observer.looks > before + 1);
  }

  /** @param laterMs how much later it is judged */
  async judge(laterMs = 0) {
    const { observer } = this;
    return checkTarget([], {
      changes: await observer.changes(),
      unleased: observer.unleased,
      overdue: await observer.overdueFindings(),
      looksAtMs: await observer.looksAtMs(),
      nowMs: Date.now() + laterMs,
      statedLagMs: STATED_LAG_MS,
    });
  }

  async stop(): Promise<void> {
    await this.observer.stop();
    await this.connector.close();
    await this.ground.stop();
    this.postgres.stop();
  }
}

const ENDED = "ended_at_ms = granted_at_ms + 1, end_reason = 'revoked'";
const ALIVE = 'ended_at_ms = NULL, end_reason = NULL';

describe('TGT-2 the storm of each kind', () => {
  test('every kind that gives access on a server of this machine has one', () => {
    const kinds = CONNECTOR_DEFINITIONS.map(({ kind }) => kind);
    expect([...GROUND_KINDS, ...WITHOUT_STORM].sort()).toEqual([...kinds].sort());
  });

  describe.each(GROUND_KINDS)('%s', (kind) => {
    let scene: Scene;

    beforeAll(async () => {
      scene = await Scene.start(kind);
    }, WITHIN_MS);
    afterAll(() => scene?.stop());

    test(
      'sees access while there is a lease, and has no complaint about a connector that keeps its promises',
      async () => {
        await scene.give('kept-00000001');
        await scene.seenTwiceMore();
        expect(scene.observer.leased.size).toBe(1);
        await scene.connector.revoke('kept-00000001', 'revoked');
        await scene.seenTwiceMore();
        expect(scene.observer.unleased).toEqual([]);
        expect(await scene.judge()).toMatchObject({ double: [], late: [] });
      },
      WITHIN_MS,
    );

    test(
      'sees access that is left on the target after the recorded end, a lease that comes back, and one that stays',
      async () => {
        await scene.give('broken-0000001');
        await scene.meddle('broken-0000001', ENDED);
        await eventuallyTrue('it is seen', async () => scene.observer.unleased.length > 0);
        const { unauthorised } = await scene.judge();
        expect(unauthorised).toContainEqual(expect.stringMatching(/ held .* without a lease$/));
        await scene.meddle('broken-0000001', ALIVE);
        const { double, late } = await scene.judge(LEASE_MS + 2 * STATED_LAG_MS);
        expect(double).toEqual(['broken-0000001 was granted 2 times']);
        expect(late).toEqual([expect.stringMatching(/^broken-0000001 was alive .*, and still is/)]);
      },
      WITHIN_MS,
    );

    // A lease that lies in the target itself is there with its access or not at all.
    if (kind !== 'postgresql')
      test(
        'sees access of an intent that nobody confirmed and nobody ends',
        async () => {
          await scene.seenTwiceMore();
          const before = scene.observer.unleased.length;
          await scene.meddle('broken-0000001', 'confirmed_at_ms = NULL, expires_at_ms = granted_at_ms + 1');
          await eventuallyTrue('it is seen', async () => scene.observer.unleased.length > before);
        },
        WITHIN_MS,
      );
  });
});
