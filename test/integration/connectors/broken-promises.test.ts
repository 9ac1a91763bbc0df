import { randomUUID } from 'node:crypto';
import type { Connector, ProvisionResult } from '../../../src/connectors/contract';
import { connectorContract } from '../../../src/connectors/kit';
import { ldapGroup } from '../../../src/connectors/ldap-group/definition';
import { LeaseBookConnector } from '../../../src/connectors/lease-book/connector';
import type { Authorisation } from '../../../src/domain/prove';
import { startPostgres, type TestPostgres } from '../../support/postgres';
import { ModelTarget } from '../../support/targets/model-target';

const GRANT = { group: 'cn=dba,dc=example' };

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres?.stop());

/** The model, and whether it is down. */
class Directory extends ModelTarget {
  isDown = false;
}

interface Ground {
  readonly sound: Connector;
  readonly target: Directory;
}

type Breaks = (ground: Ground) => Partial<Connector>;

const given = (id: string, account = 'jonas'): ProvisionResult => ({
  outcome: 'granted',
  lease: { id, account, grantedAtMs: Date.now(), expiresAtMs: Date.now() + 60_000 },
});

/** Changes what `list` says. */
const listing =
  (
    change: (inventory: Awaited<ReturnType<Connector['list']>>) => Awaited<ReturnType<Connector['list']>>,
  ): Breaks =>
  ({ sound }) => ({ list: async (...about) => change(await sound.list(...about)) });

/** Changes what `provision` answers. */
const answering =
  (change: (result: ProvisionResult, asked: Authorisation, ground: Ground) => ProvisionResult): Breaks =>
  (ground) => ({
    provision: async (asked) => change(await ground.sound.provision(asked), asked, ground),
  });

/** A connector that breaks a promise, by the case of the contract that has to notice. */
const BROKEN: Readonly<Record<string, Breaks>> = {
  'it gives what was proved, with the end that was proved': listing(({ leases, drift }) => ({
    leases: leases.map((one) => ({ ...one, expiresAtMs: one.expiresAtMs + 1_000 })),
    drift,
  })),
  'asked again, it returns the same lease with the same end': answering((result) =>
    result.outcome === 'granted'
      ? { ...result, lease: { ...result.lease, expiresAtMs: Math.random() } }
      : result,
  ),
  'asked twenty times at once, it gives one lease': answering((result) =>
    result.outcome === 'granted' ? { ...result, lease: { ...result.lease, id: randomUUID() } } : result,
  ),
  'it refuses anything that is not a proof, even of the same shape': answering((result, { terms }) =>
    result.outcome === 'refused' && result.refusal.code === 'NOT_AUTHORISED' ? given(terms.leaseId) : result,
  ),
  'a lease ended twice ends once, and the first reason stays': ({ sound }) => {
    const last = new Map<string, 'expired' | 'revoked' | 'barred'>();
    return {
      revoke: (id, reason, cause) => {
        last.set(id, reason);
        return sound.revoke(id, reason, cause);
      },
      list: async (...about) => {
        const { leases, drift } = await sound.list(...about);
        return {
          leases: leases.map((one) => {
            const reason = last.get(one.id);
            return one.ended && reason ? { ...one, ended: { ...one.ended, reason } } : one;
          }),
          drift,
        };
      },
    };
  },
  'an ended lease never comes back; asking again says when it ended, and why': answering((result) =>
    result.outcome === 'ended' ? { outcome: 'granted', lease: result.lease } : result,
  ),
  'a lease that a bar ended is refused, and the bar returns the lease': ({ sound }) => ({
    revoke: async (id, reason, cause) => {
      const result = await sound.revoke(id, reason, cause);
      return reason === 'barred' ? { accessRemoved: result.accessRemoved } : result;
    },
  }),
  'ending an unknown lease bars it': ({ sound }) => {
    const known = new Set<string>();
    return {
      provision: async (asked) => {
        known.add(asked.terms.leaseId);
        return sound.provision(asked);
      },
      revoke: async (id, reason, cause) =>
        known.has(id) ? sound.revoke(id, reason, cause) : { accessRemoved: false, neverGiven: true },
    };
  },
  'it says `neverGiven` of a bar and of the id of another request, and of nothing else': answering(
    (result) => (result.outcome === 'refused' ? { ...result, neverGiven: true } : result),
  ),
  'a lease of one request is not given to another': answering((result, { terms }) =>
    result.outcome === 'refused' && result.refusal.code === 'DIGEST_MISMATCH' ? given(terms.leaseId) : result,
  ),
  'an account or a grant that the target does not have is refused, and nothing is half done': answering(
    (result, { terms }) => (result.outcome === 'refused' ? given(terms.leaseId) : result),
  ),
  'ended leases are left out of those that are alive': ({ sound }) => ({ list: () => sound.list('all') }),
  'one reconciler at a time holds the lock, and one that fails lets go of it': () => ({
    withReconcilerLock: async (work) => {
      await work();
      return true;
    },
  }),
  'a lease past its end is listed as overdue, one in time is not': () => ({ overdue: async () => [] }),
  'a finding that is found again stays one finding': ({ sound }) => ({
    findings: { keep: async () => undefined, read: async (id) => (await sound.findings?.read(id)) ?? [] },
  }),
  'two leases of the same access: the access goes with the last one': ({ sound, target }) => ({
    revoke: async (id, reason, cause) => {
      const result = await sound.revoke(id, reason, cause);
      target.held.clear();
      return result;
    },
  }),
  'a second emergency for the same access is refused while the first is alive': ({ sound }) => ({
    provision: async (asked) => {
      const result = await sound.provision(asked);
      const isRefused = result.outcome === 'refused' && result.refusal.code === 'EMERGENCY_ACTIVE';
      return isRefused ? given(asked.terms.leaseId) : result;
    },
  }),
  'access without a lease is listed as drift': listing(({ leases }) => ({ leases, drift: [] })),
  'access that was there before is still there after a request for it: the grant is refused': ({
    sound,
    target,
  }) => ({
    provision: async (asked) => {
      target.held.clear();
      return sound.provision(asked);
    },
  }),
  'a lease whose access was taken away by hand is listed as not present': listing(({ leases, drift }) => ({
    leases: leases.map((one) => ({ ...one, present: true })),
    drift,
  })),
  'broken off in the middle, neither lease nor access is there; tried again, both are': ({
    sound,
    target,
  }) => ({
    provision: async (asked) => {
      target.held.set('jonas', new Set(['jonas']));
      return sound.provision(asked);
    },
  }),
  'a target that is down throws, without its address; when it is back, work goes on': ({
    sound,
    target,
  }) => ({
    revoke: async (id, reason, cause) => {
      if (target.isDown) throw new Error('connect ECONNREFUSED 127.0.0.1:389');
      return sound.revoke(id, reason, cause);
    },
  }),
};

/** Returns the names of the cases that fail. */
async function failing(breaks: Breaks): Promise<readonly string[]> {
  const target = new Directory();
  const sound = new LeaseBookConnector({ name: randomUUID(), target, url: postgres.url });
  const connector: Connector = {
    provision: (asked) => sound.provision(asked),
    revoke: (id, reason, cause) => sound.revoke(id, reason, cause),
    list: (...about) => sound.list(...about),
    overdue: (atMs) => sound.overdue(atMs),
    withReconcilerLock: (work) => sound.withReconcilerLock(work),
    findings: sound.findings,
    close: () => sound.close(),
    ...breaks({ sound, target }),
  };
  const failed: string[] = [];
  const contract = connectorContract({
    definition: ldapGroup,
    connector: () => connector,
    account: 'jonas',
    grant: GRANT,
    grantName: 'group',
    unknown: [{ account: 'nobody' }],
    access: {
      holds: async () => target.has('jonas'),
      giveAside: async () => void target.held.set('jonas', new Set(['jonas'])),
      takeAside: async () => void target.held.clear(),
    },
    breakOff: async (work) => {
      target.nextFate = 'is lost';
      await work().catch(() => undefined);
    },
    outage: {
      halt: async () => {
        target.isDown = true;
        target.nextFate = 'is not answered when asked';
      },
      restart: async () => {
        target.isDown = false;
        target.heal();
      },
    },
  });
  for (const { name, run } of contract) {
    await run().catch(() => failed.push(name));
    // What a broken connector left must not fail the next case.
    target.held.clear();
    for (const { id, ended } of (await sound.list('alive')).leases)
      if (ended === undefined) await sound.revoke(id, 'revoked');
  }
  await sound.close();
  return failed;
}

describe('TGT-2 a third party can rely on the kit: a connector that breaks a promise fails the case of that promise', () => {
  test('a sound connector passes every case, and every case has a connector that breaks it', async () => {
    expect(await failing(() => ({}))).toEqual([]);
    const subject = {
      definition: ldapGroup,
      connector: () => never(),
      account: '',
      grant: {},
      grantName: '',
      unknown: [],
    };
    const nothing = async () => undefined;
    const names = connectorContract({
      ...subject,
      access: { holds: async () => false, giveAside: nothing, takeAside: nothing },
      breakOff: nothing,
      outage: { halt: nothing, restart: nothing },
    }).map(({ name }) => name);
    expect(Object.keys(BROKEN)).toEqual(
      names.filter((name) => name !== 'its definition accepts the grant that it is tried with'),
    );
  }, 120_000);

  test.each(Object.entries(BROKEN))(
    '%s',
    async (name, breaks) => {
      expect(await failing(breaks)).toContain(name);
    },
    120_000,
  );
});

function never(): never {
  throw new Error('no case is run');
}
