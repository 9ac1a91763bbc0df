import type { Assessment, Stage } from '../../../src/domain/assessment';
import { strictestOf } from '../../../src/domain/strictest';
import { HOUR, leads, needsApproval, permitted, security } from '../../support/domain/builders';
import {
  DEPUTY,
  FORMER_DEPUTY,
  LEAD_1,
  LEAD_2,
  LEAD_3,
  REQUESTER,
  STANDBY,
} from '../../support/domain/people';

/** What the act on a target goes by, of what was recorded and what policy says today. */
function strictest(recorded: Assessment, today: Assessment): Assessment {
  const result = strictestOf(recorded, today);
  if (!result.ok) throw new Error(`${result.refusal.code}: ${result.refusal.detail}`);
  return result.value;
}
const approval = (changes: Partial<Assessment>, stages: readonly Stage[] = [leads()]) =>
  needsApproval(stages, changes);

describe('TTA-6 a demand that was made then or is made today is made', () => {
  it.each([
    [true, false],
    [false, true],
  ])('privileged then: %s, today: %s; a reroute needs an endorsement', (then, now) => {
    expect(strictest(approval({ privileged: then }), approval({ privileged: now })).privileged).toBe(true);
  });

  it.each([
    [HOUR, 2 * HOUR],
    [2 * HOUR, HOUR],
    [HOUR, undefined],
    [undefined, HOUR],
  ])('a review within %s then and %s today is owed within the shorter', (then, now) => {
    const within = (ms: number | undefined) => approval(ms === undefined ? {} : { reviewWithinMs: ms });
    expect(strictest(within(then), within(now)).reviewWithinMs).toBe(HOUR);
  });

  it('no review is owed where none was asked for, then or today', () => {
    expect(strictest(approval({}), approval({}))).not.toHaveProperty('reviewWithinMs');
  });

  it('who was in conflict then is in conflict, and who is today, each once', () => {
    const then = { id: LEAD_1, relation: 'sponsor' } as const;
    const today = { id: LEAD_2, relation: 'owner' } as const;
    const both = { id: REQUESTER, relation: 'requester' } as const;
    const again = { id: REQUESTER, relation: 'delegator' } as const;
    const { parties } = strictest(
      approval({ parties: [both, then] }),
      approval({ parties: [both, again, today] }),
    );
    expect(parties).toHaveLength(4);
    expect(parties).toEqual(expect.arrayContaining([both, again, then, today]));
  });

  it('what was let through by policy alone is, only if it is today', () => {
    expect(strictest(permitted(), permitted()).outcome).toBe('permit');
    expect(strictest(approval({}), permitted()).outcome).toBe('approve');
    expect(strictestOf(permitted(), approval({}))).toMatchObject({ refusal: { code: 'POLICY_CHANGED' } });
  });

  it('a refusal says what policy says today, or what it said then', () => {
    const detailOf = (recorded: Assessment, today: Assessment) => {
      const result = strictestOf(recorded, today);
      return result.ok ? 'none' : result.refusal.detail;
    };
    const refused = (outcome: 'refuse' | 'hard_stop') =>
      approval({ outcome, reasonCodes: ['INACTIVE_IDENTITY', 'REVIEW_OVERDUE'] });
    expect(detailOf(approval({}), refused('refuse'))).toMatch(/refuse: INACTIVE_IDENTITY, REVIEW_OVERDUE/);
    expect(detailOf(refused('hard_stop'), approval({}))).toMatch(/hard_stop/);
    expect(detailOf(permitted(), approval({}))).toMatch(/the path ledger-write/);
    expect(detailOf(approval({}), approval({}, [security()]))).toMatch(
      /other stages, by the path ledger-write/,
    );
  });
});

describe('TTA-6 the path is as strict as both', () => {
  const stagesOf = (then: readonly Stage[], now: readonly Stage[]) =>
    strictest(approval({}, then), approval({}, now)).path?.stages;

  it('a stage is held to what is said today of that stage, and not of another', () => {
    const stages = stagesOf(
      [leads(), security()],
      [leads({ quorum: 3 }), security({ assurance: 'phishing-resistant' })],
    );
    expect(stages).toMatchObject([
      { name: 'leads', quorum: 3, assurance: 'key', eligible: [LEAD_1, LEAD_2, LEAD_3] },
      { name: 'security', quorum: 1, assurance: 'phishing-resistant', eligible: security().eligible },
    ]);
  });

  it('a stage that policy has dropped stays; one that it has added cannot have been passed', () => {
    expect(stagesOf([leads(), security()], [security()])?.map(({ name }) => name)).toEqual([
      'leads',
      'security',
    ]);
    expect(strictestOf(approval({}, [leads()]), approval({}, [leads(), security()])).ok).toBe(false);
  });

  it('stages that policy now wants in another order were not passed in it', () => {
    const turned = strictestOf(approval({}, [leads(), security()]), approval({}, [security(), leads()]));
    expect(turned).toMatchObject({ ok: false, refusal: { code: 'POLICY_CHANGED' } });
  });

  it.each([
    [HOUR, 8 * HOUR],
    [8 * HOUR, HOUR],
  ])('a stage that expired after %s ms then, and after %s today, expires after the shorter', (then, now) => {
    const [stage] = stagesOf([leads({ expireAfterMs: then })], [leads({ expireAfterMs: now })]) ?? [];
    expect(stage?.expireAfterMs).toBe(HOUR);
  });

  it('who stands in for whom was known then and is known today, or nobody does', () => {
    const then = [
      { from: LEAD_1, to: DEPUTY },
      { from: LEAD_2, to: FORMER_DEPUTY },
    ];
    const pair = (from: string, to: string) => ({ from, to });
    const delegations = (now: readonly { from: string; to: string }[]) =>
      stagesOf([leads({ delegations: then })], [leads({ delegations: now })])?.[0]?.delegations;
    expect(delegations([...then, pair(LEAD_3, STANDBY)])).toEqual(then);
    expect(delegations([pair(LEAD_1, DEPUTY)])).toEqual([pair(LEAD_1, DEPUTY)]);
    expect(delegations([pair(LEAD_1, FORMER_DEPUTY), pair(LEAD_3, DEPUTY)])).toBeUndefined();
    expect(stagesOf([leads({ delegations: then })], [leads()])?.[0]).not.toHaveProperty('delegations');
    expect(stagesOf([leads()], [leads({ delegations: then })])?.[0]).not.toHaveProperty('delegations');
  });
});
