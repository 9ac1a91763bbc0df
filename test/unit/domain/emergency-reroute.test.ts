import { type GrantTerms, proveAuthorised } from '../../../src/domain/prove';
import { requestDetails } from '../../../src/domain/request-details';
import { isOver } from '../../../src/domain/state';
import type { KeptStatement } from '../../../src/domain/statement';
import { DAY, HOUR, leads, MINUTE, needsApproval, START } from '../../support/domain/builders';
import { at, barred, granted, madeAt, says, timePasses } from '../../support/domain/commands';
import { awaitingOneLead } from '../../support/domain/courses';
import { evidence, kept } from '../../support/domain/evidence';
import { IAM, LEAD_1, LEAD_2, REVIEWER, SECOPS, STANDBY } from '../../support/domain/people';
import { DirectoryInMemory, PolicyInMemory } from '../../support/domain/ports';
import { given, stateAfter } from '../../support/domain/specification';
import { replacing, switchingTo } from '../../support/domain/statements';

const toStandby = { emergencyCondition: 'nobody-answers', ...replacing(LEAD_1, STANDBY) };
const now = { revision: 1 };
const rerouted = [...awaitingOneLead(), says(IAM, 'reroute', toStandby)];
const reviewed = (who: string) => says(who, 'review', { jti: `review-by-${who}` });

describe('OVR-9 an emergency reroute', () => {
  it('works only under a condition that policy names beforehand', () => {
    given(...awaitingOneLead())
      .when(says(IAM, 'reroute', { ...toStandby, emergencyCondition: 'in-a-hurry' }))
      .thenRefused('MISSING_POLICY_BASIS');
  });

  it('reaches further than any other, and leaves a review owed by a deadline', () => {
    given(...awaitingOneLead())
      .when(says(IAM, 'reroute', toStandby))
      .thenFollows('rerouted', { type: 'review_owed', dueAtMs: START + DAY });
    given(...rerouted)
      .when(says(STANDBY, 'approve', now))
      .andIs('provisioning');
    given(...awaitingOneLead(), says(IAM, 'reroute', replacing(LEAD_1, STANDBY)))
      .when(says(STANDBY, 'approve', now))
      .thenRefused('NOT_ELIGIBLE');
  });

  it('is not reviewed before it is decided: who reviewed could still take part', () => {
    given(...rerouted)
      .when(reviewed(REVIEWER))
      .thenRefused('NOT_NOW');
  });

  it('puts somebody in; a condition opens no other path, which would leave no review', () => {
    const switching = { ...switchingTo('by-the-chiefs'), emergencyCondition: 'nobody-answers' };
    given(...awaitingOneLead())
      .when(says(IAM, 'reroute', switching))
      .thenRefused('MALFORMED');
  });

  it('takes no endorsement away where access is privileged, and owes nothing before it', () => {
    const proposed = [...awaitingOneLead({ privileged: true }), says(IAM, 'reroute', toStandby)];
    expect(stateAfter(...proposed).review.phase).toBe('none');
    given(...proposed)
      .when(reviewed(REVIEWER))
      .thenRefused('NOT_NOW');
    given(...proposed)
      .when(says(SECOPS, 'endorse'))
      .thenFollows('rerouted', { type: 'review_owed', dueAtMs: START + DAY });
  });

  it('is reviewed by someone who had no part in it, even where the request itself came to nothing', () => {
    const denied = [...rerouted, says(LEAD_2, 'deny', now), barred];
    expect(isOver(stateAfter(...denied))).toBe(false);
    given(...denied)
      .when(reviewed(IAM))
      .thenRefused('CONFLICTED');
    given(...denied)
      .when(reviewed(STANDBY))
      .thenRefused('NOT_ELIGIBLE');
    given(...denied)
      .when(at(DAY, timePasses))
      .thenFollows('review_overdue');
    const { state } = given(...denied)
      .when(reviewed(REVIEWER))
      .thenFollows('reviewed');
    expect(state && isOver(state)).toBe(true);
  });

  it('is reviewed by those whom policy named then, where the grant itself owes no review', () => {
    const active = [...rerouted, says(STANDBY, 'approve', now), granted()];
    given(...active)
      .when(reviewed(REVIEWER))
      .thenFollows('reviewed');
    const owed = stateAfter(
      ...rerouted.slice(0, 1),
      ...awaitingOneLead({ reviewers: [] }).slice(1),
      rerouted[2] ?? timePasses,
    );
    expect(owed.review).toEqual({ phase: 'due', dueAtMs: START + DAY });
  });

  it('the earlier of two deadlines counts, and what is overdue stays overdue', () => {
    const assessment = { reviewWithinMs: 2 * DAY };
    const active = [
      ...awaitingOneLead(assessment),
      says(IAM, 'reroute', toStandby),
      says(STANDBY, 'approve', now),
      granted(),
    ];
    expect(stateAfter(...active).review).toEqual({ phase: 'due', dueAtMs: START + DAY });
    const late = [
      ...awaitingOneLead({ reviewWithinMs: HOUR }),
      says(IAM, 'reroute', toStandby),
      at(HOUR, says(STANDBY, 'approve', { ...now, ...madeAt(HOUR) })),
      at(HOUR, granted()),
    ];
    expect(stateAfter(...late).review).toEqual({ phase: 'due', dueAtMs: START + HOUR });
  });

  it('is told as an emergency in the story', () => {
    expect(requestDetails(stateAfter(...rerouted))).toContain('reroute in_force (emergency: nobody-answers)');
    expect(requestDetails(stateAfter(...rerouted))).toContain('review due');
  });

  const proofOf = async (
    reviewWithinMs: number | undefined,
    statements: readonly KeptStatement[],
    afterMs = HOUR,
  ): Promise<GrantTerms> => {
    const review = reviewWithinMs === undefined ? {} : { reviewWithinMs };
    const assessment = needsApproval([leads({ quorum: 1, expireAfterMs: 2 * DAY })], {
      reviewers: [],
      ...review,
    });
    const offered = evidence({ assessment, statements });
    const policy = new PolicyInMemory(assessment);
    const proof = await proveAuthorised(offered, START + afterMs, new DirectoryInMemory(), policy);
    if (!proof.ok) throw new Error(proof.refusal.detail);
    return proof.value.terms;
  };
  const byStandby = [kept(IAM, 'reroute', toStandby), kept(STANDBY, 'approve', now)];
  const fromReroute = START + MINUTE + DAY;

  it('goes into the proof: who may approve, what is owed, and by whom it is judged', async () => {
    expect(await proofOf(undefined, byStandby)).toMatchObject({
      approvedBy: [STANDBY],
      participants: [STANDBY, IAM],
      reviewers: [REVIEWER],
      reviewDueAtMs: fromReroute,
    });
  });

  it.each([
    ['a grant that is to be reviewed sooner is', 2 * HOUR, START + HOUR + 2 * HOUR],
    ['one that is to be reviewed later is with the reroute', 2 * DAY, fromReroute],
  ])('leaves one debt, due at the earlier of both: %s', async (_, within, dueAtMs) => {
    expect((await proofOf(within, byStandby)).reviewDueAtMs).toBe(dueAtMs);
  });

  it('leaves its debt where the original approver decides after all, overdue or not', async () => {
    const late = kept(LEAD_2, 'approve', { ...madeAt(20 * HOUR), revision: 2 }, 20 * HOUR);
    const statements = [kept(IAM, 'reroute', toStandby), late];
    expect((await proofOf(undefined, statements, 21 * HOUR)).reviewDueAtMs).toBe(fromReroute);
    expect((await proofOf(2 * HOUR, statements, 30 * HOUR)).reviewDueAtMs).toBe(fromReroute);
  });

  it('without one a grant owes what policy says from the moment of the act, or nothing', async () => {
    const byLead = [kept(LEAD_2, 'approve')];
    expect((await proofOf(2 * HOUR, byLead)).reviewDueAtMs).toBe(START + 3 * HOUR);
    expect(await proofOf(undefined, byLead)).not.toHaveProperty('reviewDueAtMs');
  });
});
