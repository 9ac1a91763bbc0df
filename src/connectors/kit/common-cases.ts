import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type Cases, codeOf } from './target';

/** What a connector of any kind promises. */
export const commonCases: Cases = {
  'its definition accepts the grant that it is tried with': async ({ subject }) => {
    assert.ok(subject.definition.grant.safeParse(subject.grant).success);
  },

  'it gives what was proved, with the end that was proved': async (target) => {
    const { id, result } = await target.give({ durationMs: 60_000 });
    assert.equal(codeOf(result), 'granted');
    await target.holds(true);
    const lease = await target.record(id);
    assert.ok(lease, 'the lease is listed');
    const { account, grant, present, expiresAtMs, grantedAtMs } = lease;
    assert.deepEqual([account, grant, present], [target.account, target.grantName, true]);
    assert.equal(expiresAtMs - grantedAtMs, 60_000);
    await target.end(id);
    await target.holds(false);
  },

  'asked again, it returns the same lease with the same end': async (target) => {
    const first = await target.give();
    const again = await target.give({ id: first.id });
    assert.deepEqual(again.result, first.result);
    await target.end(first.id);
  },

  'asked twenty times at once, it gives one lease': async (target) => {
    // Connections are open from the second round on, so that the calls really meet.
    for (let round = 0; round < 3; round += 1) {
      const authorisation = await target.proof();
      const results = await Promise.all(
        Array.from({ length: 20 }, () => target.connector.provision(authorisation)),
      );
      assert.equal(new Set(results.map((result) => JSON.stringify(result))).size, 1);
      await target.end(authorisation.terms.leaseId);
    }
  },

  'it refuses anything that is not a proof, even of the same shape': async (target) => {
    const { terms } = await target.proof();
    const forged = JSON.parse(JSON.stringify({ terms }));
    assert.equal(codeOf(await target.connector.provision(forged)), 'NOT_AUTHORISED');
    await target.holds(false);
  },

  'a lease ended twice ends once, and the first reason stays': async (target) => {
    const { id } = await target.give();
    await target.end(id);
    const ended = await target.record(id);
    await target.connector.revoke(id, 'expired');
    assert.deepEqual((await target.record(id))?.ended, ended?.ended);
    assert.equal(ended?.ended?.reason, 'revoked');
  },

  'an ended lease never comes back; asking again says when it ended, and why': async (target) => {
    const { id, result: first } = await target.give();
    const { accessRemoved, before } = await target.connector.revoke(id, 'expired', 'overdue');
    assert.ok(accessRemoved && before);
    assert.deepEqual([before.id, before.account, before.grant], [id, target.account, target.grantName]);
    assert.equal(before.ended, undefined);
    const ended = (await target.record(id))?.ended;
    assert.deepEqual([ended?.reason, ended?.cause], ['expired', 'overdue']);
    assert.deepEqual((await target.give({ id })).result, {
      outcome: 'ended',
      lease: first.outcome === 'granted' ? first.lease : undefined,
      ending: { end: 'expired', atMs: ended?.atMs, cause: 'overdue' },
    });
    assert.deepEqual((await target.end(id)).before?.ended, ended);
    assert.equal(codeOf((await target.give({ id, reason: 'another' })).result), 'LEASE_ENDED');
    await target.holds(false);
  },

  'a lease that a bar ended is refused, and the bar returns the lease': async (target) => {
    const { id } = await target.give();
    const { before } = await target.connector.revoke(id, 'barred');
    assert.deepEqual([before?.id, before?.account], [id, target.account]);
    assert.equal(codeOf((await target.give({ id })).result), 'LEASE_ENDED');
  },

  'ending an unknown lease bars it': async (target) => {
    const id = randomUUID();
    assert.equal((await target.connector.revoke(id, 'barred')).before, undefined);
    assert.equal(codeOf((await target.give({ id })).result), 'LEASE_ENDED');
    await target.holds(false);
  },

  'it says `neverGiven` of a bar and of the id of another request, and of nothing else': async (target) => {
    const saysNever = (result: object) => 'neverGiven' in result && result.neverGiven === true;
    const barred = randomUUID();
    const bar = () => target.connector.revoke(barred, 'barred');
    assert.deepEqual([saysNever(await bar()), saysNever(await bar())], [true, true]);
    assert.ok(saysNever((await target.give({ id: barred })).result));
    const { id } = await target.give();
    assert.ok(saysNever((await target.give({ id, reason: 'another' })).result));
    assert.equal(saysNever(await target.end(id)), false);
    assert.equal(saysNever((await target.give({ id })).result), false);
    assert.ok(saysNever((await target.give({ id, reason: 'another' })).result));
    for (const unknown of target.subject.unknown)
      assert.equal(saysNever((await target.give(unknown)).result), false);
  },

  'a lease of one request is not given to another': async (target) => {
    const { id } = await target.give();
    assert.equal(codeOf((await target.give({ id, reason: 'another' })).result), 'DIGEST_MISMATCH');
    await target.end(id);
  },

  'an account or a grant that the target does not have is refused, and nothing is half done': async (
    target,
  ) => {
    for (const unknown of target.subject.unknown) {
      const { id, result } = await target.give(unknown);
      assert.equal(codeOf(result), 'TARGET_REFUSED');
      assert.equal(await target.record(id), undefined);
    }
  },

  'ended leases are left out of those that are alive': async (target) => {
    const { id } = await target.give();
    const isAlive = async () =>
      (await target.connector.list('alive')).leases.some((lease) => lease.id === id);
    assert.equal(await isAlive(), true);
    await target.end(id);
    assert.equal(await isAlive(), false);
  },

  'one reconciler at a time holds the lock, and one that fails lets go of it': async (target) => {
    const hold = (work: () => Promise<void>) => target.connector.withReconcilerLock(work);
    let inside: boolean | undefined;
    const outside = await hold(async () => {
      inside = await hold(async () => undefined);
    });
    assert.deepEqual([outside, inside], [true, false]);
    await assert.rejects(
      hold(() => Promise.reject(new Error('the look broke'))),
      /the look broke/,
    );
    assert.equal(await hold(async () => undefined), true);
  },

  'a lease past its end is listed as overdue, one in time is not': async (target) => {
    const [short, long] = [await target.give({ durationMs: 1 }), await target.give()];
    const overdue = (await target.connector.overdue(Date.now() + 1_000)).map((lease) => lease.id);
    assert.deepEqual([overdue.includes(short.id), overdue.includes(long.id)], [true, false]);
    await target.end(short.id);
    await target.end(long.id);
  },

  'a finding that is found again stays one finding': async ({
    connector: { findings },
    account,
    grantName,
  }) => {
    const finding = { kind: 'missing', leaseId: randomUUID(), account, grant: grantName } as const;
    await findings?.keep(finding);
    await findings?.keep(finding);
    const kept = (await findings?.read(finding.leaseId))?.map(({ kind, times }) => [kind, times]);
    if (findings !== undefined) assert.deepEqual(kept, [['missing', 2]]);
  },
};
