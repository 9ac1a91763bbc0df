import { replayHistory } from '../../audit/replay';
import type { CountersignClient } from '../../client';
import { workflowIdOf } from '../../contracts/names';
import { requestDigest } from '../../domain/digest';
import { generateKey, importSigningKey } from '../../signing/keys';
import { signStatement } from '../../signing/sign';
import { builtWorkflowBundle } from '../../worker';
import type { Cast } from './cast';
import type { Script } from './steps';

const REPORTING = 'warehouse:reporting#read';
const WRITE = 'warehouse:payments#write';
const ADMIN = 'warehouse:payments#admin';

/** Low risk passes by policy alone, at once. */
export async function agentReads(cast: Cast, script: Script): Promise<void> {
  script.scene('1  An agent asks to read reports: policy alone decides (FRI-1)');
  const request = await cast.ask({
    requester: 'agent/atlas',
    entitlement: REPORTING,
    durationMs: 5_000,
    reason: 'weekly revenue report',
  });
  const view = await cast.decided(request);
  script.check(
    'decided by policy, nobody was asked',
    'permit, 0 approvals',
    `${view.assessment?.outcome}, ${view.approvals.length} approvals`,
  );
  script.check('the role in the database', 'present', await cast.holds('atlas_agent', 'reporting_read'));
  await cast.over(request);
  script.check('the role after five seconds', 'absent', await cast.holds('atlas_agent', 'reporting_read'));
}

/** A production write waits for the right person's signature, and ends by itself. */
export async function pipelineWrites(cast: Cast, script: Script): Promise<void> {
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

/** An emergency is short, ends by itself, cannot be extended, and leaves a review owed. */
export async function emergency(cast: Cast, script: Script): Promise<void> {
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

/** A stalled request is unblocked by governance and by nobody else. */
export async function reroute(cast: Cast, script: Script): Promise<void> {
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

/** What weakens a control is stopped before anyone is asked. */
export async function hardStop(cast: Cast, script: Script): Promise<void> {
  script.scene('5  A bot asks to disable a control: hard stop, before anyone is asked (APB-1, APB-7)');
  const request = await cast.ask({
    requester: 'bot/deployer',
    entitlement: 'network:egress-policy#disable',
    durationMs: 60_000,
    reason: 'just for this release, the director agrees',
  });
  const view = await cast.settled(request);
  script.check(
    'the request',
    'hard_stopped: CONTROL_WEAKENING',
    `${view.status}: ${view.assessment?.reasonCodes}`,
  );
  script.check('people who were asked', '0', String(view.awaiting.length + view.approvals.length));
  script.check(
    'the safe way',
    'Ask network engineering for a rule for the exact destination and port.',
    view.assessment?.safeWay ?? 'none',
  );
  const next = await cast.ask({
    requester: 'bot/deployer',
    entitlement: WRITE,
    durationMs: 4_000,
    reason: 'a change of data, then',
  });
  const linked = await cast.settled(next);
  script.check(
    'what it asks for next is shown with that, and is looked at by security too (APB-3)',
    `${request.id}: owner, security`,
    `${linked.assessment?.precedents?.find(({ kind }) => kind === 'hard-stop')?.id}: ${linked.assessment?.path?.stages.map((stage) => stage.name).join(', ')}`,
  );
  script.check('the bot withdraws it', 'accepted', await cast.say('bot/deployer', 'withdraw', next));
  const again = await cast.settled(
    await cast.ask({ requester: 'bot/deployer', entitlement: WRITE, durationMs: 4_000, reason: 'once more' }),
  );
  script.check(
    'and asks again: the same people, and one more of them (APB-4)',
    'owner 2 of person/mira, person/tomas',
    again.assessment?.path?.stages
      .slice(0, 1)
      .map((stage) => `${stage.name} ${stage.quorum} of ${stage.eligible.join(', ')}`)
      .join() ?? 'none',
  );
}

/** Being able to talk to the orchestrator is not authority. */
export async function forgeries(cast: Cast, script: Script): Promise<void> {
  script.scene('6  Forged, borrowed and repeated approvals are refused, and on record (TTA-3, TTA-5, AUD-2)');
  const first = await cast.ask({
    requester: 'ci/payments',
    entitlement: WRITE,
    durationMs: 4_000,
    reason: 'first',
  });
  const other = await cast.ask({
    requester: 'service/reconciliation',
    entitlement: WRITE,
    durationMs: 4_000,
    reason: 'other',
  });
  await Promise.all([cast.settled(first), cast.settled(other)]);
  const stranger = await importSigningKey((await generateKey()).privateJwkText, 'forged key');
  if (!stranger.ok) throw new Error(stranger.message);
  const claims = { verb: 'approve' as const, request: first.id, digest: requestDigest(first), revision: 0 };
  const forged = await signStatement(claims, 'person/mira', stranger.key, {
    nowMs: Date.now(),
    lifeMs: 60_000,
  });
  await cast.signal(first, 'approve', forged);
  const forOther = await cast.sign('person/mira', 'approve', other);
  script.check("Mira's approval of another request", 'DIGEST_MISMATCH', await cast.carry(first, forOther));
  script.check('it counts where it belongs', 'accepted', await cast.carry(other, forOther));
  script.check('the same approval once more', 'REPLAYED', await cast.carry(other, forOther));
  const view = await cast.view(first);
  script.check(
    'a signal with a forged signature',
    'UNKNOWN_KEY',
    view.refusals[0]?.refusal.code ?? 'not on record',
  );
  script.check('refusals on record', '2', String(view.refusalCount));
  script.check('the request still waits', 'awaiting_approval', view.status);
  script.check('a lead denies it', 'accepted', await cast.say('person/tomas', 'deny', first));
  await cast.over(other);
}

/** Every history of the scenes replays on today's code. */
export async function replayAll(cast: Cast, client: CountersignClient, script: Script): Promise<void> {
  script.scene('9  The histories of all of them replay on this code (AUD-1)');
  const bundle = builtWorkflowBundle();
  for (const { id, requester, reason } of cast.asked) {
    const result = await replayHistory(await client.history(id), workflowIdOf(id), bundle);
    script.check(`${requester}: ${reason}`, 'replays', result.ok ? 'replays' : result.message);
  }
}
