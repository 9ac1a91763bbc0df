import type { Command } from '../../../src/domain/command';
import { decide } from '../../../src/domain/decide';
import type { DomainEvent } from '../../../src/domain/event';
import { evolve, fold } from '../../../src/domain/evolve';
import { snapshotOf } from '../../../src/domain/snapshot';
import type { RequestState } from '../../../src/domain/state';
import {
  aLease,
  DIRECTORY_DIGEST,
  leads,
  needsApproval,
  recognition,
  START,
} from '../../support/domain/builders';
import { assess, barred, granted, notProvisioned, says, submit } from '../../support/domain/commands';
import { active, awaitingApproval, provisioning } from '../../support/domain/courses';
import { IAM, LEAD_1, LEAD_2, REQUESTER } from '../../support/domain/people';
import { courseOf } from '../../support/domain/specification';

const refusal = { code: 'MALFORMED', detail: 'not a request' } as const;
const rejected: Command = { type: 'reject_submission', atMs: START, refusal };
const stateOf = (...commands: readonly Command[]) => fold(courseOf(...commands));

const statement = courseOf(...awaitingApproval(), says(LEAD_1, 'approve')).find(
  ({ type }) => type === 'statement_accepted',
);
const change = {
  jti: 'change',
  by: IAM,
  untilMs: START + 1,
  reasonCode: 'away',
  ticket: 'OPS-1',
  policyBasis: 'P-1',
  policyDigest: DIRECTORY_DIGEST,
  endorsementNeeded: false,
};
const reroute = { ...change, stage: 'leads', replace: LEAD_1, with: LEAD_2 };
const toAnotherPath = { ...change, from: 'a', path: { name: 'b', stages: [leads()] } };
const [submitted] = courseOf(submit());
if (submitted === undefined || statement === undefined) throw new Error('the examples lack an event');

const at = { atMs: START };
/** One event of each type. */
const EVENTS: Readonly<Record<DomainEvent['type'], DomainEvent>> = {
  submitted,
  submission_rejected: { ...at, type: 'submission_rejected', refusal },
  recognised: { ...at, type: 'recognised', recognition },
  assessed: { ...at, type: 'assessed', assessment: needsApproval() },
  hard_stopped: { ...at, type: 'hard_stopped' },
  refused: { ...at, type: 'refused' },
  permitted: { ...at, type: 'permitted' },
  confirmation_awaited: { ...at, type: 'confirmation_awaited' },
  stage_opened: { ...at, type: 'stage_opened', stage: 'leads', revision: 0 },
  statement_accepted: statement,
  statement_refused: { ...at, type: 'statement_refused', refusal },
  statements_dropped: { ...at, type: 'statements_dropped', count: 2 },
  approval_counted: {
    ...at,
    type: 'approval_counted',
    by: LEAD_1,
    stage: 'leads',
    jti: 'a',
    expiresAtMs: START,
  },
  approval_lapsed: { ...at, type: 'approval_lapsed', by: LEAD_1, stage: 'leads', jti: 'a' },
  confirmed: { ...at, type: 'confirmed', by: LEAD_1, jti: 'c', expiresAtMs: START },
  confirmation_lapsed: { ...at, type: 'confirmation_lapsed', by: LEAD_1, jti: 'c' },
  stage_completed: { ...at, type: 'stage_completed', stage: 'leads' },
  approved: { ...at, type: 'approved' },
  denied: { ...at, type: 'denied', by: LEAD_1 },
  cancelled: { ...at, type: 'cancelled', by: LEAD_1 },
  withdrawn: { ...at, type: 'withdrawn', by: REQUESTER },
  reroute_proposed: { ...at, type: 'reroute_proposed', reroute },
  rerouted: { ...at, type: 'rerouted', reroute, revision: 1 },
  reroute_unendorsed: { ...at, type: 'reroute_unendorsed', jti: 'change' },
  replacement_lapsed: { ...at, type: 'replacement_lapsed', jti: 'change', revision: 1 },
  switch_proposed: { ...at, type: 'switch_proposed', change: toAnotherPath },
  path_switched: { ...at, type: 'path_switched', change: toAnotherPath, revision: 1 },
  switch_unendorsed: { ...at, type: 'switch_unendorsed', jti: 'change' },
  switch_lapsed: { ...at, type: 'switch_lapsed', jti: 'change', revision: 1 },
  review_owed: { ...at, type: 'review_owed', dueAtMs: START },
  reminded: { ...at, type: 'reminded', stage: 'leads', awaiting: [] },
  escalated: { ...at, type: 'escalated', stage: 'leads', awaiting: [] },
  lapsed: { ...at, type: 'lapsed' },
  provisioning_started: { ...at, type: 'provisioning_started' },
  provisioning_failed: { ...at, type: 'provisioning_failed', refusal },
  granted: { ...at, type: 'granted', lease: aLease() },
  ending_ordered: { ...at, type: 'ending_ordered', end: 'revoked' },
  access_ended: { ...at, type: 'access_ended', end: 'revoked' },
  barred: { ...at, type: 'barred' },
  review_overdue: { ...at, type: 'review_overdue' },
  reviewed: { ...at, type: 'reviewed', by: LEAD_1, verdict: 'justified' },
  execution_reported: { ...at, type: 'execution_reported', outcome: 'succeeded', by: LEAD_1 },
  closed: { ...at, type: 'closed' },
};

const ATTEMPTS = ['statement_refused', 'statements_dropped'];
const REVIEWS = ['statement_accepted', 'review_owed', 'review_overdue', 'reviewed', ...ATTEMPTS];

/** Which events can happen in a phase. All others leave the state as it is. */
const APPLICABLE: Readonly<Record<RequestState['phase'], readonly string[]>> = {
  unread: ['barred', ...ATTEMPTS],
  submitted: ['recognised', 'assessed', 'cancelled', 'withdrawn', 'statement_accepted', ...ATTEMPTS],
  assessed: [
    ...[
      'hard_stopped',
      'refused',
      'denied',
      'cancelled',
      'withdrawn',
      'lapsed',
      'provisioning_failed',
      'granted',
    ],
    ...[
      'permitted',
      'approved',
      'provisioning_started',
      'confirmation_awaited',
      'confirmed',
      'confirmation_lapsed',
    ],
    ...['stage_opened', 'stage_completed', 'approval_counted', 'approval_lapsed', 'reminded', 'escalated'],
    ...['reroute_proposed', 'rerouted', 'reroute_unendorsed', 'replacement_lapsed'],
    ...['switch_proposed', 'path_switched', 'switch_unendorsed', 'switch_lapsed'],
    ...REVIEWS,
  ],
  granted: ['ending_ordered', 'access_ended', 'execution_reported', 'closed', ...REVIEWS],
  ungranted: ['barred', ...REVIEWS],
};

const STATES: readonly (RequestState | null)[] = [
  stateOf(rejected),
  stateOf(submit()),
  stateOf(...awaitingApproval()),
  stateOf(...active()),
  stateOf(...provisioning(), notProvisioned),
];

describe('AUD-1 an event that cannot happen in a phase leaves the state as it is', () => {
  it.each(STATES.map((state) => [state?.phase, state] as const))('%s', (phase, state) => {
    if (state === null || phase === undefined) throw new Error('the example leads nowhere');
    const owed: RequestState = { ...state, review: { phase: 'due', dueAtMs: START } };
    const changing = Object.values(EVENTS).filter((event) => evolve(owed, event) !== owed);
    expect(changing.map(({ type }) => type).sort()).toEqual([...APPLICABLE[phase]].sort());
  });

  it('has an example of each phase', () => {
    expect(STATES.map((state) => state?.phase).sort()).toEqual(Object.keys(APPLICABLE).sort());
  });

  it('nothing but a submission begins a request', () => {
    const beginning = Object.values(EVENTS).filter((event) => evolve(null, event) !== null);
    expect(beginning.map(({ type }) => type)).toEqual(['submitted', 'submission_rejected']);
  });
});

describe('what the query answers has the same members in every phase', () => {
  const ALWAYS = {
    revision: 0,
    decisions: [],
    stageOpenedAtMs: 0,
    reminded: false,
    escalated: false,
    approvals: [],
    reroutes: [],
    refusals: [],
    refusalCount: 0,
    review: { phase: 'none' },
    awaiting: [],
    acceptedStatements: 0,
  };

  const viewOf = (...commands: readonly Command[]) => {
    const state = stateOf(...commands);
    return state && snapshotOf(state);
  };

  it('of what could not be read', () => {
    expect(viewOf(rejected)).toStrictEqual({
      ...ALWAYS,
      status: 'refused',
      rejection: refusal,
      barred: true,
    });
  });

  it('of what was only submitted', () => {
    if (submitted.type !== 'submitted') throw new Error('the request was not read');
    const { submission, digest } = submitted;
    expect(viewOf(submit())).toStrictEqual({
      ...ALWAYS,
      status: 'assessing',
      submission,
      digest,
      barred: false,
    });
  });

  it.each([
    ['waiting', awaitingApproval()],
    ['granted', active()],
    ['failed', [...provisioning(), notProvisioned]],
    ['barred', [...provisioning(), notProvisioned, barred]],
    ['withdrawn', [...awaitingApproval(), says(REQUESTER, 'withdraw')]],
    ['granted at once', [submit(), assess(), granted()]],
  ])('of what is %s', (_, commands) => {
    const view = viewOf(...commands);
    expect(Object.keys(view ?? {})).toEqual(
      expect.arrayContaining([...Object.keys(ALWAYS), 'barred', 'status']),
    );
    for (const hidden of ['phase', 'statements', 'seenStatementIds']) expect(view).not.toHaveProperty(hidden);
  });

  it('a request that ended before it was assessed has an end and no assessment', () => {
    const early = stateOf(submit());
    const events = decide(early, says(REQUESTER, 'withdraw'));
    const state = events.reduce<RequestState | null>(evolve, early);
    expect(state).toMatchObject({ phase: 'ungranted', status: 'withdrawn', barred: false });
    expect(state).not.toHaveProperty('assessment');
  });
});
