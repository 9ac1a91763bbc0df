import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ExecutionTokenConnector } from '../../../src/connectors/execution-token/connector';
import { authorise } from '../../../src/connectors/kit/authorise';
import { LeaseBookConnector } from '../../../src/connectors/lease-book/connector';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { composeDirectory } from '../../../src/directory/register/enrolled-directory';
import { RetirementMemory } from '../../../src/directory/register/memory';
import { Register } from '../../../src/directory/register/register';
import { type DecodedRow, decodeRow } from '../../../src/directory/register/row';
import { accepted } from '../../../src/domain/refusal';
import { UsedOnce } from '../../../src/gateway/auth/used-once';
import { rowSignatures } from '../../../src/signing/enrolment';
import { type IsFirstUse, TokenUseStore } from '../../../src/token-uses/store';
import { eventuallyTrue } from '../../support/harness-wait';
import { startPostgres, type TestPostgres } from '../../support/postgres';
import { retiredBy } from '../../support/signing/enrolment';
import { EnrolmentWorld, NOW } from '../../support/signing/enrolment-world';
import { ModelTarget } from '../../support/targets/model-target';

/* Stores that need no workflow to be lost. docs/operate/backup.md says what to expect; lost-stores.test.ts has the others. */

let postgres: TestPostgres;
const open: { close(): Promise<void> }[] = [];
beforeEach(async () => {
  postgres = await startPostgres();
}, 60_000);
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
  postgres?.stop();
});

function kept<T extends { close(): Promise<void> }>(one: T): T {
  open.push(one);
  return one;
}

/** Waits until a pool has noticed that its connections broke. */
const answers = (ask: () => Promise<unknown>) =>
  eventuallyTrue('the database answers', () =>
    ask().then(
      () => true,
      () => false,
    ),
  );

describe('SHP-3, EMG-2 a lease book that was lost and restored', () => {
  const GRANT = { group: 'cn=dba,dc=example' };
  const asked = (id: string, account: string) =>
    authorise({ id, account, grant: GRANT, durationMs: 3_600_000 });

  test('what had ended gives nothing and is ended again; what was given since is told, stays, and is not given twice', async () => {
    const target = new ModelTarget();
    const connector = kept(new LeaseBookConnector({ name: 'directory', target, url: postgres.url }));
    expect((await connector.provision(await asked('lease-ended', 'jonas'))).outcome).toBe('granted');
    const restore = postgres.backUp();
    await answers(() => connector.list());
    await connector.revoke('lease-ended', 'revoked');
    expect((await connector.provision(await asked('lease-since', 'ines'))).outcome).toBe('granted');
    restore();
    await answers(() => connector.list());
    const { leases, drift } = await connector.list('alive', [GRANT]);
    expect(leases.map(({ id }) => id)).toEqual(['lease-ended']);
    expect(target.has('jonas')).toBe(false);
    // The reconciler tells of access without a lease.
    expect(drift).toEqual(expect.arrayContaining([expect.objectContaining({ account: 'ines' })]));
    expect(await connector.revoke('lease-ended', 'revoked')).toMatchObject({ accessRemoved: true });
    // Its workflow learns at the end that the lease book has no lease for it. The access stays until people take it.
    expect(await connector.revoke('lease-since', 'expired')).toEqual({
      accessRemoved: false,
      neverGiven: true,
    });
    expect((await connector.provision(await asked('lease-since', 'ines'))).outcome).toBe('refused');
    expect((await connector.list('alive', [GRANT])).leases).toEqual([]);
    expect([target.has('jonas'), target.has('ines')]).toEqual([false, true]);
  }, 120_000);
});

describe('SHP-3, TTA-5 a database of exact actions that was lost and restored', () => {
  const nowMs = () => Date.now();
  /** A gateway that has just started, so that it knows only what the ledger's database has. */
  const gatewayOn = (url: string): IsFirstUse => {
    const used = kept(new UsedOnce({ url, log: SILENT_LOGGER, nowMs })).ofKind('execution');
    return (id, untilMs) => used.first(id, untilMs);
  };

  async function released(store: TokenUseStore) {
    const connector = kept(new ExecutionTokenConnector({ url: postgres.url }));
    const grant = { audience: 'service/migrator' };
    const proof = await authorise({
      ...{ id: 'execution-1', account: 'migrator', grant, kind: 'execution', durationMs: 3_600_000 },
    });
    expect((await connector.provision(proof)).outcome).toBe('granted');
    const use = (tokenId: string) => ({
      ...{ requestId: 'execution-1', requestDigest: proof.terms.requestDigest, tokenId },
      ...{ holderKey: 'key-1', audience: 'service/migrator' },
    });
    const issue = (tokenId: string) => store.issue(proof, tokenId, 'key-1');
    const redeem = (tokenId: string, isFirstUse: IsFirstUse) =>
      store.redeem(proof, use(tokenId), 'executor', isFirstUse);
    return { issue, redeem };
  }

  test('neither the token that was used nor another one executes it again, because the ledger remembers', async () => {
    const ledger = await startPostgres();
    try {
      const store = kept(new TokenUseStore({ url: postgres.url, nowMs }));
      const { issue, redeem } = await released(store);
      expect(await issue('token-1')).toMatchObject({ ok: true });
      const restore = postgres.backUp();
      await answers(() => store.find('execution-1'));
      expect(await redeem('token-1', gatewayOn(ledger.url))).toMatchObject({ ok: true });
      expect(await redeem('token-1', gatewayOn(ledger.url))).toMatchObject({ refusal: { code: 'REPLAYED' } });
      const remembered = {
        refusal: { code: 'REPLAYED', detail: expect.stringContaining('gateways remember') },
      };
      for (const tokenId of ['token-1', 'token-2']) {
        restore();
        await answers(() => store.find('execution-1'));
        // The store itself has forgotten it, and gives another token.
        expect(await store.find('execution-1')).toMatchObject({ redeemed_at_ms: null });
        expect(await issue(tokenId)).toMatchObject({ ok: true });
        expect(await redeem(tokenId, gatewayOn(ledger.url))).toMatchObject(remembered);
        // And it has learned it again.
        expect(await issue('token-3')).toMatchObject({ refusal: { code: 'REPLAYED' } });
      }
    } finally {
      ledger.stop();
    }
  }, 120_000);

  test('while the ledger is away no use counts, and a token whose use was begun is used up', async () => {
    const ledger = await startPostgres();
    const store = kept(new TokenUseStore({ url: postgres.url, nowMs }));
    const { issue, redeem } = await released(store);
    expect(await issue('token-1')).toMatchObject({ ok: true });
    const gateway = gatewayOn(ledger.url);
    ledger.stop();
    await expect(redeem('token-1', gateway)).rejects.toMatchObject({ status: 503 });
    expect(await redeem('token-1', async () => true)).toMatchObject({ refusal: { code: 'REPLAYED' } });
    expect(await issue('token-2')).toMatchObject({ refusal: { code: 'REPLAYED' } });
  }, 120_000);
});

describe('SHP-3, WEB-3 a register that was lost and restored', () => {
  const rowOf = (row: Parameters<typeof decodeRow>[0]): DecodedRow => {
    const found = decodeRow(row);
    if (found === undefined) throw new Error('no row');
    return found;
  };
  const anyway = async () => accepted('fine');

  test('a retirement since then goes on to count where its state folder remembers it, and with an alarm', async () => {
    const world = await EnrolmentWorld.make();
    const stateDir = mkdtempSync(path.join(tmpdir(), 'countersign-state-'));
    const told: string[] = [];
    const logger = { ...SILENT_LOGGER, error: (_about: object, message: string) => void told.push(message) };
    let clock = 0;
    const nowMs = () => {
      clock += 10_000;
      return clock;
    };
    const register = (memory?: RetirementMemory) =>
      kept(new Register({ url: postgres.url, logger, nowMs, ...(memory && { memory }) }));
    const holders = async (one: Register) => {
      const { directory } = await composeDirectory(world.directory(), await one.current(), rowSignatures());
      return [...directory.judged.keys.values()].map(({ key }) => key.principal).sort();
    };
    try {
      const remembering = register(new RetirementMemory(stateDir, logger));
      const { row, passkey } = await world.enrol('person/tomas');
      await remembering.add(rowOf(row), anyway);
      expect(await holders(remembering)).toEqual(['person/tomas']);
      const restore = postgres.backUp();
      await eventuallyTrue('the retirement is written', () =>
        remembering
          .add(rowOf(retiredBy(passkey, 'person/tomas', { keyId: passkey.credentialId }, NOW)), anyway)
          .then(
            ({ ok }) => ok,
            () => false,
          ),
      );
      await remembering.add(rowOf((await world.enrol('person/mira')).row), anyway);
      expect(await holders(remembering)).toEqual(['person/mira']);
      restore();
      // A process that starts after it, with the same folder, knows the retirement. One without a folder does not: step 4 of the page.
      const again = register(new RetirementMemory(stateDir, logger));
      await answers(async () => {
        await again.current();
        if ((await holders(again)).includes('person/mira')) throw new Error('not read yet');
      });
      expect(await holders(again)).toEqual([]);
      expect(told.join('\n')).toMatch(/retire/);
      const forgetful = register();
      await eventuallyTrue('it has read the register', async () => (await holders(forgetful)).length > 0);
      expect(await holders(forgetful)).toEqual(['person/tomas']);
    } finally {
      rmSync(stateDir, { recursive: true, force: true });
    }
  }, 120_000);
});
