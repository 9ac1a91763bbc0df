import assert from 'node:assert/strict';
import { type Cases, type ConnectorUnderTest, codeOf } from './target';

/** For targets that hold the access that a lease stands for. */
export const accessCases = ({ giveAside, takeAside }: NonNullable<ConnectorUnderTest['access']>): Cases => ({
  'two leases of the same access: the access goes with the last one': async (target) => {
    const [first, second] = [await target.give(), await target.give()];
    assert.equal((await target.end(first.id)).accessRemoved, false);
    await target.holds(true);
    assert.equal((await target.end(second.id)).accessRemoved, true);
    await target.holds(false);
  },

  'a second emergency for the same access is refused while the first is alive': async (target) => {
    const first = await target.give({ emergency: true });
    assert.equal(codeOf((await target.give({ emergency: true })).result), 'EMERGENCY_ACTIVE');
    await target.end(first.id);
  },

  'access without a lease is listed as drift': async (target) => {
    const { account, grantName } = target;
    const { id } = await target.give();
    await target.end(id);
    await giveAside();
    const { drift } = await target.connector.list();
    assert.ok(drift.some((one) => one.account === account && one.grant === grantName));
    await takeAside();
    assert.deepEqual((await target.connector.list()).drift, []);
  },

  'access that was there before is still there after a request for it: the grant is refused': async (
    target,
  ) => {
    await giveAside();
    const { id, result } = await target.give();
    assert.equal(codeOf(result), 'TARGET_REFUSED');
    assert.equal(await target.record(id), undefined);
    await target.end(id);
    await target.holds(true);
    await takeAside();
  },

  'a lease whose access was taken away by hand is listed as not present': async (target) => {
    const { id } = await target.give();
    await takeAside();
    assert.equal((await target.record(id))?.present, false);
    assert.equal((await target.end(id)).before?.present, false);
    const whole = await target.give({ durationMs: 1 });
    const overdue = await target.connector.overdue(Date.now() + 1_000);
    assert.equal(overdue.find((lease) => lease.id === whole.id)?.present, true);
    assert.equal((await target.end(whole.id)).before?.present, true);
  },
});

/** What holds if a connector is cut off in the middle of its work. */
export const breakOffCases = (breakOff: NonNullable<ConnectorUnderTest['breakOff']>): Cases => ({
  'broken off in the middle, neither lease nor access is there; tried again, both are': async (target) => {
    const authorisation = await target.proof();
    await breakOff(() => target.connector.provision(authorisation));
    await target.holds(false);
    assert.equal(await target.record(authorisation.terms.leaseId), undefined);
    assert.equal(codeOf(await target.connector.provision(authorisation)), 'granted');
    await target.holds(true);
    await target.end(authorisation.terms.leaseId);
  },
});

/** What holds while the target is down, and after. */
export const outageCases = ({ halt, restart }: NonNullable<ConnectorUnderTest['outage']>): Cases => ({
  'a target that is down throws, without its address; when it is back, work goes on': async (target) => {
    const { id } = await target.give();
    await halt();
    const failure = await target.end(id).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    await restart();
    assert.ok(failure, 'ending fails while the target is down');
    assert.doesNotMatch(failure, /127\.0\.0\.1|localhost|password|:\/\//);
    // Connections that broke may fail once more each. Callers retry.
    await retry(() => target.end(id));
    await target.holds(false);
  },
});

async function retry(work: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries += 1)
    try {
      await work();
      return;
    } catch (error) {
      if (tries === 10) throw error;
    }
}
