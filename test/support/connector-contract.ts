import { randomUUID } from 'node:crypto';
import type { Connector, LeaseRecord, ProvisionOutcome } from '../../src/connectors/contract';
import { type AuthorisationOptions, authorise } from './authorisation';

/** What the contract needs of a target that it is tried on. */
export interface ContractHarness {
  connector(): Connector;
  /** An account and a grant of the target, free of access when the test begins. */
  readonly account: string;
  readonly role: string;
  /** Asks the target itself, past the connector. */
  holds(account: string, role: string): Promise<boolean>;
  /** Gives access past the connector, and takes it away. */
  giveAside(account: string, role: string): Promise<void>;
  takeAside(account: string, role: string): Promise<void>;
  /** Breaks what the connector is doing in the middle of `work`, where the target can. */
  breakOff(work: () => Promise<unknown>): Promise<void>;
  halt(): Promise<void>;
  restart(): Promise<void>;
}

/** What every connector must do, whatever its target. */
export function describeConnectorContract(name: string, harness: ContractHarness): void {
  const { account, role } = harness;
  const give = async (about: Partial<AuthorisationOptions> = {}) => {
    const options = { id: randomUUID(), account, role, ...about };
    const outcome = await harness.connector().provision(await authorise(options));
    return { id: options.id, outcome };
  };
  const end = (id: string) => harness.connector().revoke(id, 'revoked');
  const record = async (id: string): Promise<LeaseRecord | undefined> =>
    (await harness.connector().list()).leases.find((lease) => lease.id === id);
  const codeOf = (outcome: ProvisionOutcome) =>
    outcome.outcome === 'refused' ? outcome.refusal.code : outcome.outcome;

  describe(`the connector contract: ${name}`, () => {
    test('TTA-2 gives what was proved, with the end that was proved', async () => {
      const { id, outcome } = await give({ durationMs: 60_000 });
      expect(outcome).toMatchObject({ outcome: 'granted', lease: { id, account } });
      expect(await harness.holds(account, role)).toBe(true);
      const lease = await record(id);
      expect(lease).toMatchObject({ account, grant: role, present: true });
      expect((lease?.expiresAtMs ?? 0) - (lease?.grantedAtMs ?? 0)).toBe(60_000);
      await end(id);
      expect(await harness.holds(account, role)).toBe(false);
    });

    test('asked again, it yields the same lease with the same end', async () => {
      const first = await give();
      const again = await give({ id: first.id });
      expect(again.outcome).toEqual(first.outcome);
      await end(first.id);
    });

    test('asked twenty times at once, it gives one lease', async () => {
      const authorisation = await authorise({ id: randomUUID(), account, role });
      const { connector } = harness;
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () => connector().provision(authorisation)),
      );
      expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(1);
      await end(authorisation.terms.leaseId);
    });

    test('TTA-5 what is no proof is refused, whatever its shape', async () => {
      const { terms } = await authorise({ id: randomUUID(), account, role });
      const forged = JSON.parse(JSON.stringify({ terms }));
      expect(codeOf(await harness.connector().provision(forged))).toBe('NOT_AUTHORISED');
      expect(await harness.holds(account, role)).toBe(false);
    });

    test('ended twice is ended once, and the first reason stays', async () => {
      const { id } = await give();
      await end(id);
      const ended = await record(id);
      await harness.connector().revoke(id, 'expired');
      expect((await record(id))?.ended).toEqual(ended?.ended);
      expect(ended?.ended?.reason).toBe('revoked');
    });

    test('a lease that has ended never comes back; whoever asks again hears when it ended, and why', async () => {
      const { id, outcome: first } = await give();
      const told = await harness.connector().revoke(id, 'expired', 'overdue');
      expect(told).toMatchObject({ accessRemoved: true, before: { id, account, grant: role } });
      expect(told.before?.ended).toBeUndefined();
      const { outcome: again } = await give({ id });
      const ended = (await record(id))?.ended;
      expect(ended).toMatchObject({ reason: 'expired', cause: 'overdue' });
      expect(again).toEqual({
        outcome: 'ended',
        lease: first.outcome === 'granted' ? first.lease : undefined,
        ending: { end: 'expired', atMs: ended?.atMs, cause: 'overdue' },
      });
      expect((await harness.connector().revoke(id, 'revoked')).before?.ended).toEqual(ended);
      expect(codeOf((await give({ id, reason: 'another' })).outcome)).toBe('LEASE_ENDED');
      expect(await harness.holds(account, role)).toBe(false);
    });

    test('a lease that a bar took away is refused, and the bar tells of it', async () => {
      const { id } = await give();
      expect(await harness.connector().revoke(id, 'barred')).toMatchObject({ before: { id, account } });
      expect(codeOf((await give({ id })).outcome)).toBe('LEASE_ENDED');
    });

    test('ending what is unknown bars it', async () => {
      const id = randomUUID();
      expect(await harness.connector().revoke(id, 'barred')).not.toHaveProperty('before');
      expect(codeOf((await give({ id })).outcome)).toBe('LEASE_ENDED');
      expect(await harness.holds(account, role)).toBe(false);
    });

    test('EMG-3 it says of a bar that nothing was given, and never of what was', async () => {
      const never = { neverGiven: true };
      const barred = randomUUID();
      const bar = () => harness.connector().revoke(barred, 'barred');
      expect([await bar(), await bar()]).toEqual([
        expect.objectContaining(never),
        expect.objectContaining(never),
      ]);
      expect((await give({ id: barred })).outcome).toMatchObject(never);
      const { id } = await give();
      expect((await give({ id, reason: 'another' })).outcome).toMatchObject(never);
      expect(await end(id)).not.toHaveProperty('neverGiven');
      expect((await give({ id })).outcome).not.toHaveProperty('neverGiven');
      expect((await give({ id, reason: 'another' })).outcome).toMatchObject(never);
      expect((await give({ role: 'nothing_there' })).outcome).not.toHaveProperty('neverGiven');
    });

    test('TTA-3 a lease of one request is not given to another', async () => {
      const { id } = await give();
      expect(codeOf((await give({ id, reason: 'another' })).outcome)).toBe('DIGEST_MISMATCH');
      await end(id);
    });

    test('two leases for the same access: ending one leaves the other, the last one out removes it', async () => {
      const [first, second] = [await give(), await give()];
      expect(await end(first.id)).toMatchObject({ accessRemoved: false });
      expect(await harness.holds(account, role)).toBe(true);
      expect(await end(second.id)).toMatchObject({ accessRemoved: true });
      expect(await harness.holds(account, role)).toBe(false);
    });

    test('EMG-1 a second emergency for the same access is refused while the first is alive', async () => {
      const first = await give({ emergency: true });
      expect(codeOf((await give({ emergency: true })).outcome)).toBe('EMERGENCY_ACTIVE');
      await end(first.id);
    });

    test('an account or a grant that the target does not have is refused, and nothing is half done', async () => {
      const nobody = await give({ account: 'nobody_there' });
      const nothing = await give({ role: 'nothing_there' });
      expect([codeOf(nobody.outcome), codeOf(nothing.outcome)]).toEqual(['TARGET_REFUSED', 'TARGET_REFUSED']);
      expect(await record(nobody.id)).toBeUndefined();
      expect(await record(nothing.id)).toBeUndefined();
    });

    test('broken off between the two halves, neither is there; tried again, both are', async () => {
      const authorisation = await authorise({ id: randomUUID(), account, role });
      await harness.breakOff(() => harness.connector().provision(authorisation));
      expect(await harness.holds(account, role)).toBe(false);
      expect(await record(authorisation.terms.leaseId)).toBeUndefined();
      expect(codeOf(await harness.connector().provision(authorisation))).toBe('granted');
      expect(await harness.holds(account, role)).toBe(true);
      await end(authorisation.terms.leaseId);
    });

    test('FRI-8 access beside the leases is listed as drift', async () => {
      const { id } = await give();
      await end(id);
      await harness.giveAside(account, role);
      expect((await harness.connector().list()).drift).toContainEqual({ account, grant: role });
      await harness.takeAside(account, role);
      expect((await harness.connector().list()).drift).toEqual([]);
    });

    test('a lease whose access was taken away is listed as not present', async () => {
      const { id } = await give();
      await harness.takeAside(account, role);
      expect((await record(id))?.present).toBe(false);
      expect((await end(id)).before?.present).toBe(false);
      const whole = await give({ durationMs: 1 });
      expect(await harness.connector().overdue(Date.now() + 1_000)).toMatchObject([{ present: true }]);
      expect((await end(whole.id)).before?.present).toBe(true);
    });

    test('what has ended is left out of what is alive', async () => {
      const { id } = await give();
      const alive = async () =>
        (await harness.connector().list('alive')).leases.some((lease) => lease.id === id);
      expect(await alive()).toBe(true);
      await end(id);
      expect(await alive()).toBe(false);
    });

    test('EMG-2 looks take turns, and a look that breaks gives up its own', async () => {
      const turn = (work: () => Promise<void>) => harness.connector().withReconcilerLock(work);
      let inside: boolean | undefined;
      const outside = await turn(async () => {
        inside = await turn(async () => undefined);
      });
      expect([outside, inside]).toEqual([true, false]);
      await expect(turn(() => Promise.reject(new Error('the look broke')))).rejects.toThrow('the look broke');
      expect(await turn(async () => undefined)).toBe(true);
    });

    test('EMG-2 a lease past its end is listed as overdue, one in time is not', async () => {
      const short = await give({ durationMs: 1 });
      const long = await give();
      const overdue = await harness.connector().overdue(Date.now() + 1_000);
      expect(overdue.map((lease) => lease.id)).toContain(short.id);
      expect(overdue.map((lease) => lease.id)).not.toContain(long.id);
      await end(short.id);
      await end(long.id);
    });

    test('a target that is down throws, without its address; when it is back, all goes on', async () => {
      const { id } = await give();
      await harness.halt();
      const failure = await end(id).then(
        () => 'ended',
        (error: Error) => error.message,
      );
      await harness.restart();
      expect(failure).not.toBe('ended');
      expect(failure).not.toMatch(/127\.0\.0\.1|localhost|password|postgres:\/\//);
      // Connections that broke may fail once more each; whoever calls a connector tries again.
      await untilItWorks(() => end(id));
      expect(await harness.holds(account, role)).toBe(false);
    });
  });
}

async function untilItWorks(work: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; tries < 10; tries += 1) {
    const worked = await work().then(
      () => true,
      () => false,
    );
    if (worked) return;
  }
  throw new Error('the target is back, and the connector still fails');
}
