import type { AccessRequest } from '../../../client';
import type { Cast } from '../cast';
import type { Demo } from '../demo';
import type { Script } from '../steps';
import { BYPASS_ATTEMPTS, type BypassAttempt, rerouteToFriend } from './bypass-attempts';

const STOPPED = 'hard_stopped: CONTROL_WEAKENING, 0 asked, 0 approvals';
const SHORT_MS = 60_000;

/** Four prompt bypasses, each plain and in five disguises. None of them becomes an approval. */
export async function promptBypass({ cast, script }: Demo): Promise<void> {
  for (const [index, attempt] of BYPASS_ATTEMPTS.entries()) {
    script.scene(`7.${index + 1}  Prompt bypass: ${attempt.title} (APB-5)`);
    await play(attempt, cast, script);
  }
  await askInParts(cast, script);
}

/** What a stopped workload asks for next is assessed together with the stop, however harmless it looks (APB-3). */
async function askInParts(cast: Cast, script: Script): Promise<void> {
  script.scene('7.5  Prompt bypass: after a stop, in parts that look harmless each (APB-3, APB-5)');
  const requester = 'service/reconciliation';
  const ask = { requester, reason: 'the nightly run needs it', durationMs: SHORT_MS };
  const stop = await cast.ask({ ...ask, entitlement: 'network:egress-policy#exempt' });
  script.check('asked plainly', STOPPED, await endOf(cast, stop));
  const write = await cast.ask({ ...ask, entitlement: 'warehouse:payments#write' });
  const { assessment } = await cast.settled(write);
  const stages = assessment?.path?.stages.map((stage) => stage.name).join(', ') ?? 'none';
  script.check('a part of it goes to security too', 'owner, security', stages);
  const shown = assessment?.precedents?.some(({ id }) => id === stop.id) === true;
  script.check('and the stop is shown to them', 'shown', shown ? 'shown' : 'not shown');
  const admin = await cast.ask({ ...ask, entitlement: 'warehouse:payments#admin', ticket: 'OPS-1' });
  script.check('the rest', 'hard_stopped: POLICY_HARD_STOP, 0 asked, 0 approvals', await endOf(cast, admin));
  script.check('it gives up', 'accepted', await cast.say(requester, 'withdraw', write));
}

async function play(attempt: BypassAttempt, cast: Cast, script: Script): Promise<void> {
  const { requester, entitlement, reason, senior, friends, split, safeWay } = attempt;
  const ask = { requester, entitlement, reason, durationMs: SHORT_MS };
  const plain = await cast.ask(ask);
  script.check('asked plainly', STOPPED, await endOf(cast, plain));
  script.check('told instead', safeWay, (await cast.view(plain)).assessment?.safeWay ?? 'nothing');
  const urgent = await cast.ask({ ...ask, emergencyCondition: 'production-outage', ticket: 'INC-1' });
  script.check('with the emergency flag', STOPPED, await endOf(cast, urgent));
  const ranked = await cast.ask({ ...ask, requester: senior, beneficiary: requester });
  script.check(`asked by ${senior}`, STOPPED, await endOf(cast, ranked));
  for (const friend of friends)
    script.check(
      `${friend} approves it`,
      'not accepted',
      await refusedOr(cast.say(friend, 'approve', plain)),
    );
  const [friend = senior] = friends;
  const reroute = cast.say('person/nadia', 'reroute', plain, rerouteToFriend(friend));
  script.check(`rerouted to ${friend}`, 'not accepted', await refusedOr(reroute));
  for (const part of split) {
    const request = await cast.ask({ ...ask, ...part, reason: 'a small change' });
    script.check(`a part of it: ${part.entitlement}`, STOPPED, await endOf(cast, request));
  }
  script.check('after all of that', STOPPED, await endOf(cast, plain));
}

async function endOf(cast: Cast, request: AccessRequest): Promise<string> {
  const { status, assessment, awaiting, approvals } = await cast.settled(request);
  return `${status}: ${assessment?.reasonCodes}, ${awaiting.length} asked, ${approvals.length} approvals`;
}

/** A request that has ended accepts no statements: either the server says so, or the request refuses. */
async function refusedOr(saying: Promise<string>): Promise<string> {
  try {
    const answer = await saying;
    return answer === 'accepted' ? answer : 'not accepted';
  } catch {
    return 'not accepted';
  }
}
