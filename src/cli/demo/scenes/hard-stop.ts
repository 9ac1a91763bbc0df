import type { Demo } from '../demo';

const WRITE = 'warehouse:payments#write';

/** A request that would weaken a control is stopped before anyone is asked. */
export async function hardStop({ cast, script }: Demo): Promise<void> {
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
