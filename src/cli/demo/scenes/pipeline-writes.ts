import type { Demo } from '../demo';

const WRITE = 'warehouse:payments#write';

/** A production write waits for the right person's signature, and ends by itself. */
export async function pipelineWrites({ cast, script }: Demo): Promise<void> {
  script.scene('2  A pipeline asks to change production: one lead of the owning team signs (TTA-2, APB-6)');
  const request = await cast.ask({
    requester: 'ci/payments',
    entitlement: WRITE,
    durationMs: 6_000,
    reason: 'backfill of payment 4711',
  });
  const waiting = await cast.settled(request);
  script.check('it waits for', 'person/mira, person/tomas', waiting.awaiting.join(', '));
  script.check('the role before approval', 'absent', await cast.holds('payments_ci', 'production_write'));
  script.check(
    'the pipeline approves itself',
    'NOT_HUMAN',
    await cast.say('ci/payments', 'approve', request),
  );
  script.check('its owner approves', 'CONFLICTED', await cast.say('person/ines', 'approve', request));
  script.check(
    'a lead of another team approves',
    'NOT_ELIGIBLE',
    await cast.say('person/lena', 'approve', request),
  );
  script.check('a lead of payments approves', 'accepted', await cast.say('person/mira', 'approve', request));
  const granted = await cast.decided(request);
  script.check('the request', 'active', granted.status);
  script.check('the role in the database', 'present', await cast.holds('payments_ci', 'production_write'));
  await cast.over(request);
  script.check('the role after six seconds', 'absent', await cast.holds('payments_ci', 'production_write'));
}
