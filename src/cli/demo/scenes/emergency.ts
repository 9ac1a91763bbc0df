import type { Cast } from '../cast';
import type { Demo } from '../demo';

const ADMIN = 'warehouse:payments#admin';

/** Emergency access is short, ends by itself, cannot be extended, and must be reviewed. */
export async function emergency({ cast, script }: Demo): Promise<void> {
  script.scene('3  On-call asks for admin in a declared outage: short, reviewed, not to be extended (EMG-1)');
  const ask = {
    requester: 'person/jonas',
    entitlement: ADMIN,
    durationMs: 6_000,
    reason: 'payments are down',
    ticket: 'INC-1',
  };
  const unnamed = await cast.settled(await cast.ask({ ...ask, emergencyCondition: 'in-a-hurry' }));
  script.check(
    'a condition that policy does not name',
    'refused: EMERGENCY_NOT_NAMED',
    `${unnamed.status}: ${unnamed.assessment?.reasonCodes}`,
  );
  const request = await cast.ask({ ...ask, emergencyCondition: 'production-outage' });
  await cast.settled(request);
  script.check(
    'the incident commander approves',
    'accepted',
    await cast.say('person/sofia', 'approve', request),
  );
  const granted = await cast.decided(request);
  script.check('the role in the database', 'present', await cast.holds('jonas', 'production_admin'));
  const again = await cast.ask({ ...ask, emergencyCondition: 'production-outage' });
  await cast.settled(again);
  await cast.say('person/sofia', 'approve', again);
  const second = await cast.decided(again);
  script.check(
    'a second emergency for the same thing',
    'failed: EMERGENCY_ACTIVE',
    `${second.status}: ${second.failure?.code}`,
  );
  const over = await cast.over(request);
  script.check(
    'the role at the end it had from the start',
    'absent',
    await cast.holds('jonas', 'production_admin'),
  );
  script.check('the end was not moved', String(granted.lease?.expiresAtMs), String(over.lease?.expiresAtMs));
  script.check('a review is owed', 'due', over.review.phase);
  script.check('the approver reviews it', 'CONFLICTED', await reviewBy('person/sofia', cast, request));
  script.check('security reviews it', 'accepted', await reviewBy('person/amara', cast, request));
}

function reviewBy(signer: string, cast: Cast, request: Parameters<Cast['view']>[0]): Promise<string> {
  return cast.say(signer, 'review', request, { verdict: 'justified' });
}
