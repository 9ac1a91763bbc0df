import type { Demo } from '../demo';

const WRITE = 'warehouse:payments#write';

/** A stalled request is unblocked by governance and by nobody else. */
export async function reroute({ cast, script }: Demo): Promise<void> {
  script.scene('4  A request stalls: governance reroutes it, for a time and on grounds (OVR-1 to OVR-4)');
  const request = await cast.ask({
    requester: 'person/ines',
    entitlement: WRITE,
    durationMs: 4_000,
    reason: 'correct a failed payment',
  });
  await cast.settled(request);
  const replacement = { replace: 'person/mira', with: 'person/david', untilMs: Date.now() + 600_000 };
  const grounds = {
    reasonCode: 'approver-absent',
    ticket: 'OPS-1',
    policyBasis: 'production-write',
    replacement,
  };
  for (const [who, signer, expected] of [
    ['the requester', 'person/ines', 'NOT_GOVERNANCE'],
    ["the requester's manager", 'person/helen', 'NOT_GOVERNANCE'],
    ['an original approver', 'person/tomas', 'NOT_GOVERNANCE'],
    ['an operator without the role', 'person/felix', 'NOT_GOVERNANCE'],
  ] as const)
    script.check(`rerouted by ${who}`, expected, await cast.say(signer, 'reroute', request, grounds));
  const { ticket: _none, ...ungrounded } = grounds;
  script.check(
    'by IAM operations, without a ticket',
    'MISSING_TICKET',
    await cast.say('person/nadia', 'reroute', request, ungrounded),
  );
  const toFriend = { ...grounds, replacement: { ...replacement, with: 'person/ravi' } };
  script.check(
    'by IAM operations, to someone policy does not allow',
    'WOULD_WEAKEN',
    await cast.say('person/nadia', 'reroute', request, toFriend),
  );
  script.check(
    'by IAM operations, to a database administrator',
    'accepted',
    await cast.say('person/nadia', 'reroute', request, grounds),
  );
  script.check('the rescuer approves', 'CONFLICTED', await cast.say('person/nadia', 'approve', request));
  script.check(
    'the replaced approver approves',
    'NOT_ELIGIBLE',
    await cast.say('person/mira', 'approve', request),
  );
  script.check('the replacement approves', 'accepted', await cast.say('person/david', 'approve', request));
  script.check('the request', 'active', (await cast.decided(request)).status);
  await cast.over(request);
  script.check('the role after four seconds', 'absent', await cast.holds('ines', 'production_write'));
}
