import { randomUUID } from 'node:crypto';
import { endAccessActivity } from '../../../src/activities/end-access';
import { provisionActivity } from '../../../src/activities/provision';
import type { Connector } from '../../../src/connectors/contract';
import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { requestDigest } from '../../../src/domain/digest';
import { refused } from '../../../src/domain/refusal';
import { PostgresqlLedger } from '../../../src/ledger';
import { permittedCase } from '../../support/authorisation';
import { startPostgres, type TestPostgres, WAREHOUSE } from '../../support/postgres';

/** The act puts a grant on record before it makes it. These are the ways in which it then never is one. */
let postgres: TestPostgres;
let ledger: PostgresqlLedger;
let connector: PostgresqlConnector;
beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(WAREHOUSE);
  ledger = new PostgresqlLedger({ url: postgres.url });
  connector = new PostgresqlConnector({ url: postgres.url });
}, 60_000);
afterAll(async () => {
  await ledger?.close();
  await connector?.close();
  postgres?.stop();
});

const CRASH = 'the worker is gone';

/** One emergency request that policy permits, and what a worker does about it. */
function anEmergency({ id = randomUUID(), role = 'production_write', reason = 'production is down' } = {}) {
  const made = permittedCase({ id, account: 'deploy_bot', role, emergency: true, reason });
  const digest = requestDigest(made.evidence.submission.request);
  let { directory } = made;
  const dependenciesWith = (target: Connector) => ({
    authority: async () => ({
      directory: { ...directory, authenticateDenial: async () => refused('MALFORMED', 'none takes part') },
      policy: {
        ...made.policy,
        assessOnRecord: async () => ({ assessment: made.evidence.assessment }),
      },
    }),
    connector: () => target,
    ledger,
    nowMs: Date.now,
  });
  return {
    id,
    provision: (target: Connector = connector) =>
      provisionActivity(dependenciesWith(target))({ ...made.evidence }),
    bar: () =>
      endAccessActivity(dependenciesWith(connector))({
        connector: 'warehouse',
        leaseId: id,
        reason: 'barred',
      }),
    revokeKey: () => {
      directory = { ...directory, authenticateSubmission: async () => refused('UNKNOWN_KEY', 'revoked') };
    },
    owes: async () => (await ledger.grantOf(digest))?.reviewDueAtMs !== undefined,
  };
}

/** A target at which the worker dies, before or after it was asked. */
const crashing = (when: 'before' | 'after'): Connector => ({
  provision: async (authorisation) => {
    if (when === 'after') await connector.provision(authorisation);
    throw new Error(CRASH);
  },
  revoke: (leaseId, reason) => connector.revoke(leaseId, reason),
  list: (scope) => connector.list(scope),
  overdue: (atMs) => connector.overdue(atMs),
  withReconcilerLock: (work) => connector.withReconcilerLock(work),
  close: () => connector.close(),
});

describe('EMG-3 only a grant that was really made leaves a review owed', () => {
  test('broken off before the target was asked, then refused because the proof no longer holds', async () => {
    const emergency = anEmergency();
    await expect(emergency.provision(crashing('before'))).rejects.toThrow(CRASH);
    emergency.revokeKey();
    expect(await emergency.provision()).toMatchObject({ refusal: { code: 'UNKNOWN_KEY' } });
    expect(await emergency.owes()).toBe(true);
    await emergency.bar();
    expect(await emergency.owes()).toBe(false);
  });

  test('broken off, then refused by the target: the review is owed until nothing can be given any more', async () => {
    const emergency = anEmergency({ role: 'not_made_yet' });
    await expect(emergency.provision(crashing('before'))).rejects.toThrow(CRASH);
    expect(await emergency.provision()).toMatchObject({ refusal: { code: 'TARGET_REFUSED' } });
    expect(await emergency.owes()).toBe(true);
    await emergency.bar();
    expect(await emergency.owes()).toBe(false);
  });

  test('refused once and given at the next attempt: the review stays owed', async () => {
    const emergency = anEmergency({ role: 'made_late' });
    const refusal = { outcome: 'refused', refusal: expect.objectContaining({ code: 'TARGET_REFUSED' }) };
    expect(await emergency.provision()).toEqual(refusal);
    await postgres.query('CREATE ROLE made_late');
    expect(await emergency.provision()).toMatchObject({ outcome: 'granted' });
    await emergency.bar();
    expect(await emergency.owes()).toBe(true);
  });

  test('given, broken off before the request learned of it, and ended: it was access, so a review is owed', async () => {
    const emergency = anEmergency({ role: 'production_admin' });
    await expect(emergency.provision(crashing('after'))).rejects.toThrow(CRASH);
    await emergency.bar();
    expect(await emergency.provision()).toMatchObject({ refusal: { code: 'LEASE_ENDED' } });
    expect(await emergency.owes()).toBe(true);
    expect((await ledger.openGrants(0)).map((grant) => grant.request)).not.toContain(emergency.id);
  });

  test('an attempt after the bar leaves nothing behind, whether an earlier one was broken off or not', async () => {
    const emergency = anEmergency();
    await emergency.bar();
    await expect(emergency.provision(crashing('before'))).rejects.toThrow(CRASH);
    expect(await emergency.provision()).toMatchObject({ refusal: { code: 'LEASE_ENDED' } });
    expect(await emergency.owes()).toBe(false);
  });

  test('another request with the id of a grant neither settles its review nor owes one', async () => {
    const id = randomUUID();
    const [first, imitation] = [anEmergency({ id }), anEmergency({ id, reason: 'something else' })];
    expect(await first.provision()).toMatchObject({ outcome: 'granted' });
    expect(await imitation.provision()).toMatchObject({ refusal: { code: 'DIGEST_MISMATCH' } });
    expect([await first.owes(), await imitation.owes()]).toEqual([true, false]);
    await first.bar();
    expect([await first.owes(), await imitation.owes()]).toEqual([true, false]);
  });
});
