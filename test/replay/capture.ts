import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { PostgresqlConnector } from '../../src/connectors/postgresql/connector';
import { workflowIdOf } from '../../src/contracts/names';
import type { AccessRequest } from '../../src/domain/request';
import type { Harness } from '../support/harness';
import { ADMIN, EMERGENCY, READ, reroutedToDavid, WRITE } from '../support/harness-asks';
import { eventuallyTrue } from '../support/harness-wait';
import { leaveLease } from '../support/lease-rows';
import { writeHistory } from './history-file';

export const HISTORIES = path.join(__dirname, 'histories');

const ADMIN_OF_JONAS = { account: 'jonas', role: 'production_admin' };

const overSince = (atMs: number) => ({
  grantedAtMs: atMs - 400,
  expiresAtMs: atMs - 100,
  ended: { atMs, end: 'expired', cause: 'overdue' } as const,
});

type Life = (harness: Harness) => Promise<AccessRequest>;

/** One request for each path through the workflow. Their histories are kept, and every later version replays them. */
export const LIVES: Readonly<Record<string, Life>> = {
  'policy-alone': ({ cast }) => cast.ask({ ...READ, durationMs: 300 }),
  'single-approver': async ({ cast }) => {
    const request = await cast.ask({ ...WRITE, durationMs: 300 });
    await cast.say('person/mira', 'approve', request);
    return request;
  },
  'two-stages': async ({ cast }) => {
    const request = await cast.ask({ ...ADMIN, durationMs: 300 });
    await cast.say('person/mira', 'approve', request);
    await cast.say('person/david', 'approve', request);
    return request;
  },
  denied: async ({ cast }) => {
    const request = await cast.ask(WRITE);
    await cast.say('person/tomas', 'deny', request);
    return request;
  },
  rerouted: async ({ cast }) => {
    const request = await cast.ask({ ...WRITE, durationMs: 300 });
    await cast.say('person/nadia', 'reroute', request, reroutedToDavid());
    await cast.say('person/mira', 'approve', request);
    await cast.say('person/david', 'approve', request);
    return request;
  },
  emergency: async ({ cast }) => {
    const request = await cast.ask({ ...EMERGENCY, durationMs: 300 });
    await cast.say('person/sofia', 'approve', request);
    await cast.over(request);
    await cast.say('person/amara', 'review', request, { verdict: 'justified' });
    return request;
  },
  'hard-stop': ({ cast }) =>
    cast.ask({ requester: 'bot/deployer', entitlement: 'network:egress-policy#disable' }),
  'refused-statements': async ({ cast, client }) => {
    const request = await cast.ask(WRITE);
    await cast.say('ci/payments', 'approve', request);
    await cast.say('person/lena', 'approve', request);
    await client.leaveStatement(request.id, 'approve', await cast.sign('person/mira', 'deny', request));
    await cast.until(request, ({ refusalCount }) => refusalCount === 3);
    await cast.say('ci/payments', 'withdraw', request);
    return request;
  },
  'taken-over': async ({ cast, temporal }) => {
    const request = await cast.ask({ ...ADMIN, durationMs: 300 });
    await cast.say('person/mira', 'approve', request);
    await cast.say('person/lena', 'approve', request);
    const handle = temporal.workflow.getHandle(workflowIdOf(request.id));
    const { runId } = await handle.describe();
    const fill = 'x'.repeat(100 * 1024);
    await Promise.all(Array.from({ length: 50 }, (_, count) => handle.signal('deny', { count, fill })));
    await eventuallyTrue('a new run takes over', async () => (await handle.describe()).runId !== runId);
    await cast.say('person/david', 'approve', request);
    return request;
  },
  poisoned: async ({ cast, temporal }) => {
    const request = await cast.ask({ ...WRITE, durationMs: 300 });
    const handle = temporal.workflow.getHandle(workflowIdOf(request.id));
    for (const name of ['approve', 'grantNow', '__temporal_x', 'deny'])
      await handle.signal(name, { ok: true });
    await handle.cancel();
    await cast.say('person/mira', 'approve', request);
    return request;
  },
  'denied-finally': async ({ cast }) => {
    const request = await cast.ask(WRITE);
    await cast.say('person/tomas', 'deny', request);
    return request;
  },
  cancelled: async ({ cast }) => {
    const request = await cast.ask(WRITE);
    await cast.say('person/chen', 'cancel', request, { reasonCode: 'duplicate' });
    return request;
  },
  withdrawn: async ({ cast }) => {
    const request = await cast.ask(WRITE);
    await cast.say('ci/payments', 'withdraw', request);
    return request;
  },
  'over-unheard': async ({ cast, postgres }) => {
    const request = await cast.ask({ ...EMERGENCY, durationMs: 300 });
    await leaveLease(postgres, request, { ...ADMIN_OF_JONAS, ...overSince(Date.now()) });
    await cast.say('person/sofia', 'approve', request);
    await cast.over(request);
    await cast.say('person/amara', 'review', request, { verdict: 'justified' });
    return request;
  },
  'ended-elsewhere': async ({ cast, postgres }) => {
    const request = await cast.ask({ ...WRITE, durationMs: 2_000 });
    await cast.say('person/mira', 'approve', request);
    await cast.settled(request);
    const connector = new PostgresqlConnector({ url: postgres.url });
    await connector.revoke(request.id, 'revoked', 'standing_lost');
    await connector.close();
    return request;
  },
  'barred-upon-a-lease': async ({ cast, postgres }) => {
    const request = await cast.ask({ ...EMERGENCY, durationMs: 60_000 });
    const grantedAtMs = Date.now();
    const times = { grantedAtMs, expiresAtMs: grantedAtMs + 60_000 };
    await leaveLease(postgres, request, { ...ADMIN_OF_JONAS, ...times });
    await cast.say('person/sofia', 'deny', request);
    await cast.say('person/amara', 'review', request, { verdict: 'justified' });
    return request;
  },
  revoked: async ({ cast }) => {
    const request = await cast.ask(WRITE);
    await cast.say('person/mira', 'approve', request);
    await cast.settled(request);
    await cast.say('person/greta', 'revoke', request);
    return request;
  },
};

/** Runs one of them to its end and writes its history. */
export async function capture(harness: Harness, name: string, life: Life): Promise<void> {
  const request = await life(harness);
  await harness.cast.over(request);
  const history = await harness.client.history(request.id);
  mkdirSync(HISTORIES, { recursive: true });
  writeHistory(path.join(HISTORIES, `${name}.json`), history);
}
