import type { Command } from '../../../src/domain/command';
import { fold } from '../../../src/domain/evolve';
import { requestDetails } from '../../../src/domain/request-details';
import {
  aRequest,
  DAY,
  HOUR,
  leads,
  needsApproval,
  permitted,
  START,
  security,
} from '../../support/domain/builders';
import {
  assess,
  at,
  notProvisioned,
  says,
  submit,
  timePasses,
  unverified,
} from '../../support/domain/commands';
import {
  active,
  awaitingApproval,
  awaitingOneLead,
  expired,
  provisioning,
  rerouted,
} from '../../support/domain/courses';
import {
  BYSTANDER,
  DEPUTY,
  IAM,
  LEAD_1,
  LEAD_2,
  REVIEWER,
  SECOPS,
  SPONSOR,
  SUBSTITUTE_1,
} from '../../support/domain/people';
import { courseOf, stateAfter } from '../../support/domain/specification';

const story = (...history: readonly Command[]) => {
  const state = fold(courseOf(...history));
  return state === null ? [] : requestDetails(state).split('\n\n');
};
const iso = (afterMs: number) => new Date(START + afterMs).toISOString();

describe('AUD-5 the story of a request, as an operator reads it', () => {
  it('begins with where it stands, what is asked, by whom, under which digest', () => {
    const { digest } = stateAfter(...awaitingApproval());
    expect(story(...awaitingApproval())).toEqual([
      '**awaiting_approval**',
      'postgres:ledger#write for service/beneficiary, asked by agent/requester',
      'ticket OPS-17',
      `digest ${digest}`,
      'policy: approve (APPROVAL_NEEDED), by ledger-write',
      'awaiting person/lead-1, person/lead-2, person/lead-3',
      `next: remind leads at ${iso(HOUR)}`,
    ]);
  });

  it('says that it is an emergency, and nothing of a ticket where there is none', () => {
    const { ticket: _none, ...request } = aRequest({ emergency: true });
    const told = story(submit(request));
    expect(told[0]).toBe('**assessing** (emergency)');
    expect(told.join()).not.toContain('ticket');
  });

  it('says why what could not be read was refused', () => {
    const refusal = { code: 'MALFORMED', detail: 'not a request' } as const;
    expect(story({ type: 'reject_submission', atMs: START, refusal })).toEqual([
      '**refused**',
      'refused before it could be read: MALFORMED',
    ]);
  });

  it('never repeats what people wrote', () => {
    const request = aRequest({ reason: 'the password is hunter2' });
    expect(story(submit(request), assess()).join()).not.toContain('hunter2');
  });

  it('tells who approved and confirmed, and what went before', () => {
    const confirmation = { by: [SPONSOR], before: 'execution' as const };
    const precedents = [
      { kind: 'denied' as const, id: 'earlier-1', about: 'postgres:ledger#write', by: LEAD_2, atMs: START },
      { kind: 'hard-stop' as const, id: 'earlier-2', about: 'mfa', atMs: START },
    ];
    const assessment = needsApproval([leads(), security()], {
      confirmation,
      precedents,
      determiningPolicies: [],
    });
    const told = story(
      ...awaitingApproval(assessment),
      says(LEAD_1, 'approve'),
      says(SPONSOR, 'confirm', {}, { keyId: 'own' }),
    );
    expect(told).toEqual(
      expect.arrayContaining([
        'policy: approve (APPROVAL_NEEDED), by none',
        `approved by ${LEAD_1} at leads`,
        `confirmed by ${SPONSOR}`,
        `before: denied of postgres:ledger#write, earlier-1, by ${LEAD_2}`,
        'before: hard-stop of mfa, earlier-2',
      ]),
    );
  });

  it('tells who may stand in for whom while it awaits them, and not afterwards', () => {
    const stages = [leads({ quorum: 1, delegations: [{ from: LEAD_1, to: DEPUTY }] })];
    const line = `${DEPUTY} may decide leads for ${LEAD_1}`;
    expect(story(...awaitingApproval(needsApproval(stages)))).toContain(line);
    expect(story(...awaitingApproval(needsApproval(stages)), says(LEAD_2, 'approve'))).not.toContain(line);
  });

  it('tells a change of the path with all its grounds (OVR-5)', () => {
    const grounds = 'approver-absent, OPS-18, ledger-write, policy sha-256:policy-of-january';
    const what = `${LEAD_1} → ${SUBSTITUTE_1} at leads until ${iso(6 * HOUR)}, by ${IAM}`;
    expect(story(...rerouted())).toContain(`reroute in_force: ${what}, no endorsement needed, ${grounds}`);
    const privileged = needsApproval([leads()], { privileged: true });
    expect(story(...rerouted(privileged))).toContain(
      `reroute in_force: ${what}, endorsed by ${SECOPS}, ${grounds}`,
    );
    expect(story(...awaitingApproval(privileged), says(IAM, 'reroute'))).toContain(
      `reroute proposed: ${what}, endorsement needed, ${grounds}`,
    );
  });

  it('tells from when to when there is access, and who is to review it when', () => {
    const withReview = needsApproval([leads()], { reviewWithinMs: DAY });
    expect(story(...active(withReview))).toEqual(
      expect.arrayContaining([
        `granted ${iso(0)}, ends ${iso(2 * HOUR)}`,
        `review due: ${iso(DAY)}`,
        `next: grant ends at ${iso(2 * HOUR)}`,
      ]),
    );
    expect(story(...expired(withReview), at(DAY, timePasses))).toEqual(
      expect.arrayContaining([`awaiting ${REVIEWER}`, `review overdue: ${iso(DAY)}`]),
    );
    const reviewed = story(...active(withReview), says(REVIEWER, 'review'));
    expect(reviewed).toContain(`reviewed by ${REVIEWER}: justified`);
    expect(reviewed.join()).not.toContain('review due');
    expect(story(...active()).join()).not.toContain('review');
    expect(story(...expired()).at(-1)).toBe(`granted ${iso(0)}, ends ${iso(2 * HOUR)}`);
  });

  it('says why nothing was carried out', () => {
    expect(story(...provisioning(), notProvisioned)).toContain('not carried out: TARGET_REFUSED');
  });

  it('counts refused attempts and tells the last five', () => {
    expect(story(submit(), assess(permitted())).join()).not.toContain('refused attempts');
    const knocks = Array.from({ length: 6 }, (_, n) => says(BYSTANDER, 'approve', { jti: `knock-${n}` }));
    const unreadable = {
      type: 'consider' as const,
      atMs: START,
      check: {
        verified: false as const,
        attempt: { refusal: { code: 'MALFORMED' as const, detail: 'no statement' } },
      },
    };
    const told = story(
      ...awaitingOneLead(),
      ...knocks,
      unreadable,
      unverified({ code: 'UNKNOWN_KEY', detail: 'no key' }),
    );
    expect(told.slice(-6)).toEqual([
      'refused attempts: 8',
      ...Array(3).fill(`- NOT_ELIGIBLE: approve by ${BYSTANDER}`),
      '- MALFORMED: unreadable by unknown',
      '- UNKNOWN_KEY: approve by person/somebody',
    ]);
  });
});
