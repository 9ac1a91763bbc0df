import { nextDeadline } from '../../../src/domain/clock';
import type { Command } from '../../../src/domain/command';
import { forceEvents, inOrder, type PathChange } from '../../../src/domain/path-change';
import { snapshotOf } from '../../../src/domain/snapshot';
import { HOUR, leads, needsApproval, START } from '../../support/domain/builders';
import { says } from '../../support/domain/commands';
import { awaitingApproval } from '../../support/domain/courses';
import { IAM, LEAD_1, LEAD_2, SUBSTITUTE_1 } from '../../support/domain/people';
import { stateAfter } from '../../support/domain/specification';

const grounds = {
  by: IAM,
  untilMs: START + HOUR,
  reasonCode: 'stalled',
  ticket: 'OPS-1',
  policyBasis: 'ledger-write',
  policyDigest: 'p',
  endorsementNeeded: false,
};
const path = needsApproval([leads()]).path ?? { name: 'none', stages: [] };
const replacement: PathChange = {
  kind: 'replacement',
  record: { ...grounds, jti: 'r', stage: 'leads', replace: LEAD_1, with: SUBSTITUTE_1 },
  phase: 'in_force',
};
const change: PathChange = {
  kind: 'switch',
  record: { ...grounds, jti: 's', from: 'a', path },
  phase: 'in_force',
};

describe('OVR-7 replacements and switches are path changes of one life', () => {
  const state = { ...stateAfter(...awaitingApproval()), pathChanges: [change, replacement] };

  it('and when both end at one moment the replacement ends first', () => {
    expect(inOrder(state.pathChanges)).toEqual([replacement, change]);
    expect(nextDeadline(state)?.event).toMatchObject({ type: 'replacement_lapsed', jti: 'r', revision: 1 });
  });

  it('and a switch ends the replacements in force, each with a revision of its own', () => {
    const events = forceEvents({ revision: 4, pathChanges: [replacement] }, change, START, LEAD_2);
    expect(events).toEqual([
      { type: 'replacement_lapsed', atMs: START, jti: 'r', revision: 5 },
      { type: 'path_switched', atMs: START, change: change.record, endorsedBy: LEAD_2, revision: 6 },
    ]);
  });

  it('and the query shows them apart, as its readers know them', () => {
    const { reroutes, switches } = snapshotOf(state);
    expect(reroutes).toEqual([{ ...replacement.record, phase: 'in_force' }]);
    expect(switches).toEqual([{ ...change.record, phase: 'in_force' }]);
    const history: readonly Command[] = [...awaitingApproval(), says(IAM, 'reroute')];
    const snapshot = snapshotOf(stateAfter(...history));
    expect(snapshot.reroutes).toMatchObject([{ by: IAM, phase: 'in_force' }]);
    expect(snapshot).not.toHaveProperty('switches');
    expect(snapshot).not.toHaveProperty('pathChanges');
  });
});
