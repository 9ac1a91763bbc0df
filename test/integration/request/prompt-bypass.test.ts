import {
  BYPASS_ATTEMPTS,
  type BypassAttempt,
  rerouteToFriend,
} from '../../../src/cli/demo/scenes/bypass-attempts';
import type { AccessRequest } from '../../../src/domain/request';
import { Harness } from '../../support/harness';
import type { Ask } from '../../support/harness-cast';

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start({ remembers: true });
}, 120_000);
afterAll(() => harness?.stop());

const outage = { emergencyCondition: 'production-outage', ticket: 'INC-1' };

/** A request that ends in a hard stop: by the machine, before anyone was asked, with the safe way. */
async function stopped(ask: Ask): Promise<AccessRequest> {
  const request = await harness.cast.ask(ask);
  await staysStopped(request);
  return request;
}

async function staysStopped(request: AccessRequest): Promise<void> {
  const view = await harness.cast.view(request);
  expect([view.status, view.assessment?.reasonCodes]).toEqual(['hard_stopped', ['CONTROL_WEAKENING']]);
  expect([view.awaiting, view.approvals, view.reroutes]).toEqual([[], [], []]);
  expect(await harness.leases(request.id)).not.toContainEqual(expect.objectContaining({ end_reason: null }));
}

/** Whoever approves, nothing counts: the request is over and says so, or its workflow no longer answers. */
async function notAccepted(saying: Promise<string>): Promise<void> {
  const answer = await saying.catch(() => 'over');
  expect(answer).not.toBe('accepted');
}

describe.each(BYPASS_ATTEMPTS)('APB-5 $title', (story: BypassAttempt) => {
  const ask: Ask = story;

  test('asked plainly, it is stopped, and APB-7 the answer names the safe way', async () => {
    const request = await stopped(ask);
    expect((await harness.cast.view(request)).assessment?.safeWay).toBe(story.safeWay);
  });

  test('APB-1 dressed up as an emergency', async () => {
    await stopped({ ...ask, ...outage });
  });

  test('TTA-1 asked by someone of rank, on behalf of others', async () => {
    await stopped({ ...ask, requester: story.senior, beneficiary: story.requester });
    await stopped({ ...ask, onBehalfOf: [story.senior] });
  });

  test('APB-1 with approvers who are all in favour', async () => {
    const request = await stopped(ask);
    for (const friend of story.friends)
      await notAccepted(harness.cast.say(friend, 'approve', request, { revision: 0 }));
    await staysStopped(request);
  });

  test('OVR-6 rerouted to someone who would approve', async () => {
    const request = await stopped(ask);
    const [friend = story.senior] = story.friends;
    for (const governor of ['person/nadia', 'person/greta'])
      await notAccepted(
        harness.cast.say(governor, 'reroute', request, { revision: 0, ...rerouteToFriend(friend) }),
      );
    await notAccepted(harness.cast.say(friend, 'approve', request, { revision: 0 }));
    await staysStopped(request);
  });

  test('APB-4 split into two requests that look harmless each', async () => {
    for (const part of story.split)
      await stopped({ ...ask, ...part, reason: 'a small change', durationMs: 1_000 });
  });
});

describe('APB-5 a service account cannot keep access by asking for it again', () => {
  test('EMG-1 standing access, disguised as a long grant, a long emergency, or a second one', async () => {
    const emergency = { requester: 'person/jonas', entitlement: 'warehouse:payments#admin', ...outage };
    const long = await harness.cast.ask({ ...emergency, durationMs: 30 * 86_400_000 });
    expect((await harness.cast.view(long)).assessment?.reasonCodes).toEqual(['DURATION_OVER_LIMIT']);
    const first = await harness.cast.ask({ ...emergency, durationMs: 20_000 });
    expect(await harness.cast.say('person/sofia', 'approve', first)).toBe('accepted');
    const granted = await harness.cast.settled(first);
    expect(granted.status).toBe('active');
    const second = await harness.cast.ask({ ...emergency, durationMs: 20_000 });
    await harness.cast.say('person/sofia', 'approve', second);
    expect((await harness.cast.settled(second)).failure?.code).toBe('EMERGENCY_ACTIVE');
    expect((await harness.cast.view(first)).lease).toEqual(granted.lease);
    const service = await harness.cast.ask({ ...emergency, requester: 'service/reconciliation' });
    expect((await harness.cast.view(service)).status).toBe('refused');
  });
});

describe('APB-3, APB-5 the next requests, each part harmless by itself', () => {
  const workload = 'service/reconciliation';

  test('go to more people, who see the stop, or are stopped as well', async () => {
    const stop = await stopped({ requester: workload, entitlement: 'network:egress-policy#exempt' });
    const write = await harness.cast.ask({ requester: workload, entitlement: 'warehouse:payments#write' });
    const { assessment } = await harness.cast.view(write);
    expect(assessment?.path?.stages.map((stage) => stage.name)).toEqual(['owner', 'security']);
    expect(assessment?.precedents).toContainEqual(
      expect.objectContaining({ kind: 'hard-stop', id: stop.id }),
    );
    expect(await harness.cast.say('person/mira', 'approve', write)).toBe('accepted');
    expect((await harness.cast.view(write)).status).toBe('awaiting_approval');
    const admin = await harness.cast.ask({
      requester: workload,
      entitlement: 'warehouse:payments#admin',
      ticket: 'OPS-1',
    });
    const view = await harness.cast.view(admin);
    expect([view.status, view.assessment?.reasonCodes]).toEqual(['hard_stopped', ['POLICY_HARD_STOP']]);
    expect(view.assessment?.safeWay).toContain('security operations');
  });
});
