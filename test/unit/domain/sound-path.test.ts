import type { Assessment, Stage } from '../../../src/domain/assessment';
import { LIMITS } from '../../../src/domain/limits';
import { isSound } from '../../../src/domain/rules/soundness';
import { aRequest, leads, needsApproval, permitted, security, stopped } from '../../support/domain/builders';
import { says } from '../../support/domain/commands';
import { awaitingApproval } from '../../support/domain/courses';
import { BYSTANDER, DEPUTY, LEAD_1, OWNER, SECURITY_1, STANDBY } from '../../support/domain/people';
import { given } from '../../support/domain/specification';

/** Whether an assessment by these stages lets a request through at all. */
const lets = (stages: readonly Stage[], changes: Partial<Assessment> = {}): boolean =>
  isSound(aRequest(), needsApproval(stages, changes));
const people = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `person/many-${index}`);
const stage = (changes: Partial<Stage>) => [leads({ quorum: 1, ...changes })];

describe('OVR-6 every stage of a path demands distinct people, within limits that no policy moves', () => {
  it.each<[string, readonly Stage[], readonly Stage[]]>([
    [
      'so many stages',
      Array.from({ length: LIMITS.stages }, (_, index) => leads({ name: `stage-${index}` })),
      Array.from({ length: LIMITS.stages + 1 }, (_, index) => leads({ name: `stage-${index}` })),
    ],
    [
      'so large a quorum',
      stage({ eligible: people(20), quorum: LIMITS.quorum }),
      stage({ eligible: people(20), quorum: LIMITS.quorum + 1 }),
    ],
    [
      'so many who may decide',
      stage({ eligible: people(LIMITS.eligibleApprovers) }),
      stage({ eligible: people(LIMITS.eligibleApprovers + 1) }),
    ],
    [
      'so long a wait',
      stage({ expireAfterMs: LIMITS.pendingLifeMs }),
      stage({ expireAfterMs: LIMITS.pendingLifeMs + 1 }),
    ],
    [
      'nobody named twice',
      stage({ eligible: [LEAD_1, SECURITY_1] }),
      stage({ eligible: [LEAD_1, LEAD_1, SECURITY_1] }),
    ],
  ])('%s, and no more', (_, within, beyond) => {
    expect([lets(within), lets(beyond)]).toEqual([true, false]);
  });

  it('whatever an assessment holds, only a permit or an approval lets through', () => {
    const { path, binding } = needsApproval();
    const held = { ...(path && { path }), ...(binding && { binding }) };
    expect(isSound(aRequest(), permitted())).toBe(true);
    for (const outcome of ['refuse', 'hard_stop'] as const)
      expect(isSound(aRequest(), stopped(outcome, held))).toBe(false);
    expect(isSound(aRequest(), permitted(path && { path }))).toBe(false);
  });
});

describe('OVR-6 delegates of a path', () => {
  const first = { from: LEAD_1, to: DEPUTY };
  const both = (to: string) => [
    leads({ delegations: [first] }),
    security({ delegations: [{ from: SECURITY_1, to }] }),
  ];

  it('each stage has its own; nobody stands in at two', () => {
    expect([lets(both(STANDBY)), lets(both(DEPUTY))]).toEqual([true, false]);
  });

  it('beside a confirmation by somebody else, never by the delegate', () => {
    const by = (who: string) => ({ confirmation: { by: [who], before: 'approval' as const } });
    const stages = [leads({ delegations: [first] })];
    expect([lets(stages, by(BYSTANDER)), lets(stages, by(DEPUTY))]).toEqual([true, false]);
  });

  it('are no more than the approvers could be', () => {
    const many = (count: number) => people(count).map((to) => ({ from: LEAD_1, to }));
    const by = (count: number) => lets([leads({ delegations: many(count) })]);
    expect([by(LIMITS.eligibleApprovers), by(LIMITS.eligibleApprovers + 1)]).toEqual([true, false]);
  });

  it('are approvers of the request, at whichever stage, and govern nothing of it', () => {
    const governor = {
      id: DEPUTY,
      kind: 'person' as const,
      active: true,
      roles: ['iam-operations'],
      groups: [],
    };
    given(...awaitingApproval(needsApproval([leads({ delegations: [first] }), security()])))
      .when(says(DEPUTY, 'reroute', {}, { signer: governor }))
      .thenRefused('CONFLICTED');
  });
});

describe('OVR-3 whoever is refused for a conflict hears all of it', () => {
  it('as sponsor and as owner', () => {
    const parties = [...needsApproval().parties, { id: OWNER, relation: 'sponsor' as const }];
    const { events } = given(...awaitingApproval(needsApproval([leads()], { parties }))).when(
      says(OWNER, 'approve'),
    );
    expect(events).toMatchObject([
      {
        type: 'statement_refused',
        refusal: { code: 'CONFLICTED', detail: expect.stringMatching(/owner and sponsor/) },
      },
    ]);
  });
});
