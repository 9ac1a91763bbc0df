import type { DomainEvent } from '../../../src/domain/event';
import { evolve } from '../../../src/domain/evolve';
import { type Measurement, measurementsOf } from '../../../src/domain/measurement';
import type { RequestState } from '../../../src/domain/state';
import {
  aLease,
  anEmergencyRequest,
  needsApproval,
  permitted,
  START,
  stopped,
} from '../../support/domain/builders';
import { assess, granted, says, submit } from '../../support/domain/commands';
import { LEAD_1, LEAD_2, REVIEWER } from '../../support/domain/people';
import { courseOf, stateAfter } from '../../support/domain/specification';

const waiting = stateAfter(submit(), assess());
const active = stateAfter(submit(), assess(), says(LEAD_1, 'approve'), says(LEAD_2, 'approve'), granted());
const atMs = START;
const refusal = { code: 'NOT_ELIGIBLE', detail: 'any' } as const;

const measured = (event: DomainEvent, state: RequestState = waiting, before: readonly DomainEvent[] = []) =>
  measurementsOf([event], [...before, event], state);

const decided = (decision: string) => [{ type: 'decided', decision, route: 'approval', atMs }];

const CASES: readonly (readonly [event: DomainEvent, expected: readonly unknown[]])[] = [
  [{ type: 'permitted', atMs }, decided('permitted')],
  [{ type: 'approved', atMs }, decided('approved')],
  [{ type: 'denied', atMs, by: LEAD_1 }, decided('denied')],
  [{ type: 'cancelled', atMs, by: LEAD_1 }, decided('cancelled')],
  [{ type: 'withdrawn', atMs, by: LEAD_1 }, decided('withdrawn')],
  [{ type: 'lapsed', atMs }, decided('lapsed')],
  [{ type: 'hard_stopped', atMs }, decided('stopped')],
  [{ type: 'refused', atMs }, decided('stopped')],
  [{ type: 'submission_rejected', atMs, refusal }, [{ type: 'assessed', outcome: 'unreadable' }]],
  [{ type: 'stage_opened', atMs, stage: 'leads', revision: 0 }, [{ type: 'prompted', how: 'opened' }]],
  [{ type: 'reminded', atMs, stage: 'leads', awaiting: [] }, [{ type: 'prompted', how: 'reminded' }]],
  [{ type: 'escalated', atMs, stage: 'leads', awaiting: [] }, [{ type: 'prompted', how: 'escalated' }]],
  [{ type: 'review_owed', atMs, dueAtMs: atMs }, [{ type: 'review', phase: 'due' }]],
  [{ type: 'review_overdue', atMs }, [{ type: 'review', phase: 'overdue' }]],
  [{ type: 'assessed', atMs, assessment: needsApproval() }, [{ type: 'assessed', outcome: 'approve' }]],
  [
    { type: 'statement_refused', atMs, refusal },
    [{ type: 'statement', verb: 'unknown', refusal: refusal.code }],
  ],
  [
    { type: 'statement_refused', atMs, refusal, verb: 'deny' },
    [{ type: 'statement', verb: 'deny', refusal: refusal.code }],
  ],
  [
    { type: 'provisioning_failed', atMs, refusal },
    [{ type: 'grant_refused', connector: 'ledger', code: refusal.code }],
  ],
  [{ type: 'provisioning_started', atMs }, []],
];

describe('FRI-4 what is measured of an event', () => {
  test.each(CASES)('%j', (event, expected) => {
    const connector = connectorOf(waiting);
    const named = expected.map((one) => (hasConnector(one) ? { ...one, connector } : one));
    expect(measured(event)).toEqual(named);
  });

  test('who decided: policy alone, nobody, or people', () => {
    const routeOf = (state: RequestState) => measured({ type: 'approved', atMs }, state)[0];
    expect(routeOf(stateAfter(submit(), assess(permitted())))).toMatchObject({ route: 'policy' });
    expect(routeOf(stateAfter(submit(), assess(stopped('refuse'))))).toMatchObject({ route: 'none' });
    expect(routeOf(waiting)).toMatchObject({ route: 'approval' });
  });

  test('a grant: how long after the last decision, and the review that is owed', () => {
    const event: DomainEvent = { type: 'granted', atMs: atMs + 40, lease: aLease() };
    const after = [
      { type: 'approved', atMs: atMs + 10 },
      { type: 'provisioning_started', atMs: atMs + 20 },
    ] as const;
    expect(measured(event, active, after)).toMatchObject([{ type: 'granted', afterDecisionMs: 30 }]);
    expect(measured(event, active)).toMatchObject([{ afterDecisionMs: 0 }]);
    expect(measured({ ...event, reviewDueAtMs: 1 }, active)[1]).toEqual({ type: 'review', phase: 'due' });
  });

  test('how late an end is: after the end of the lease, or after somebody ordered it', () => {
    const endsAtMs = aLease().expiresAtMs;
    const lapsed: DomainEvent = { type: 'access_ended', atMs: endsAtMs + 70, end: 'expired' };
    expect(measured(lapsed, active)).toMatchObject([{ cause: 'expired', lateMs: 70 }]);
    const orders: DomainEvent[] = [
      { type: 'ending_ordered', atMs: atMs + 10, end: 'revoked' },
      { type: 'ending_ordered', atMs: atMs + 20, end: 'revoked' },
      { type: 'reminded', atMs: atMs + 25, stage: 'leads', awaiting: [] },
    ];
    const revoked: DomainEvent = { type: 'access_ended', atMs: atMs + 50, end: 'revoked' };
    expect(measured(revoked, active, orders)).toMatchObject([{ cause: 'revoked', lateMs: 30 }]);
    // Without a lease nothing says when access should have expired.
    expect(measured({ ...revoked, end: 'expired' }, waiting, orders)).toMatchObject([{ lateMs: 30 }]);
  });

  test('people who decided in an emergency are counted apart', () => {
    const emergency = stateAfter(submit(anEmergencyRequest()), assess());
    expect(measured({ type: 'approved', atMs }, emergency)).toMatchObject([{ route: 'emergency' }]);
  });

  test('a statement that was accepted counts with its verb; what nobody could read names no connector', () => {
    const log = courseOf(submit(), assess(), says(LEAD_1, 'approve'));
    const accepted = log.filter((event) => event.type === 'statement_accepted');
    expect(measurementsOf(accepted, log, waiting)).toEqual([{ type: 'statement', verb: 'approve' }]);
    const unread = evolve(null, { type: 'submission_rejected', atMs, refusal });
    if (unread === null) throw new Error('a rejection leaves a state');
    expect(measured({ type: 'provisioning_failed', atMs, refusal }, unread)).toEqual([
      { type: 'grant_refused', connector: '', code: refusal.code },
    ]);
    expect(measured({ type: 'approved', atMs }, unread)).toMatchObject([{ route: 'none' }]);
  });

  test('an end before its time is not late, and one that nobody ordered has no lateness', () => {
    const early: DomainEvent = { type: 'access_ended', atMs, end: 'expired' };
    expect(measured(early, active)).toMatchObject([{ cause: 'expired', lateMs: 0 }]);
    expect(measured({ ...early, end: 'revoked' }, active)).toMatchObject([{ cause: 'revoked', lateMs: 0 }]);
  });

  test('what only counts', () => {
    const one = (event: DomainEvent): Measurement | undefined => measured(event, active)[0];
    expect(one({ type: 'statements_dropped', atMs, count: 3 })).toEqual({ type: 'dropped', count: 3 });
    expect(one({ type: 'reviewed', atMs, by: REVIEWER, verdict: 'justified' })).toEqual({
      type: 'review',
      phase: 'done',
    });
  });
});

const connectorOf = (state: RequestState): string =>
  state.phase === 'unread' ? '' : state.submission.request.entitlement.connector;
const hasConnector = (one: unknown): one is { readonly connector: string } =>
  typeof one === 'object' && one !== null && 'connector' in one;
