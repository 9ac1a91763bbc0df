import { aggregateOf, TASK_STATUS } from '../../../src/gateway/requests/task-view';

/* How the states of requests show at their task (profile, "Mapping Backend States"). */
describe('ARAP task status', () => {
  it('every state of a request has its place, and only what gave access is approved', () => {
    const states = (wanted: string) =>
      Object.entries(TASK_STATUS).flatMap(([state, status]) => (status === wanted ? [state] : []));
    expect(states('pending')).toEqual([
      'submitted',
      'assessing',
      'awaiting_approval',
      'approved',
      'provisioning',
    ]);
    expect(states('approved')).toEqual(['active', 'expired', 'revoked', 'closed']);
    expect(states('denied')).toEqual(['hard_stopped', 'refused', 'denied']);
    expect(states('expired')).toEqual(['lapsed']);
    expect(states('cancelled')).toEqual(['cancelled', 'withdrawn']);
    expect(states('failed')).toEqual(['failed']);
  });

  it('a task of several items is pending as long as one is, and partial where they differ', () => {
    expect(aggregateOf(['approved', 'pending', 'denied'])).toBe('pending');
    expect(aggregateOf(['approved', 'approved'])).toBe('approved');
    expect(aggregateOf(['cancelled', 'cancelled'])).toBe('cancelled');
    expect(aggregateOf(['approved', 'denied'])).toBe('partial');
    expect(aggregateOf(['approved', 'cancelled'])).toBe('partial');
    expect(aggregateOf([])).toBe('failed');
  });
});
