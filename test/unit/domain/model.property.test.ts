import fc from 'fast-check';
import { courses, Dice } from '../../support/domain/dice';
import { isThorough, tries } from '../../support/domain/effort';
import { lawsBroken } from '../../support/domain/laws';
import { happens } from '../../support/domain/moves';
import { DEPUTY } from '../../support/domain/people';
import { World } from '../../support/domain/world';

const SEQUENCES = tries(10_000);

/** Through how many of the generated requests each of these must have come. Else a law about it would hold for nothing. */
const AT_LEAST: Readonly<Record<string, number>> = {
  active: 1_000,
  'active after a reroute': 50,
  'active after an endorsed reroute': 5,
  'active with two stages': 150,
  'active with a confirmation': 400,
  'active after a switch': 10,
  'active by a delegate': 10,
  'active after an emergency reroute': 4,
  'active after its start was awaited': 30,
  'active for less than was asked': 30,
  'denied while its start was awaited': 1,
  expired: 15,
  revoked: 12,
  closed: 150,
  hard_stopped: 200,
  refused: 1_000,
  denied: 90,
  cancelled: 150,
  withdrawn: 150,
  lapsed: 500,
  failed: 150,
  'a flawed assessment': 500,
  rerouted: 600,
  path_switched: 100,
  switch_lapsed: 5,
  switch_unendorsed: 5,
  review_owed: 15,
  replacement_lapsed: 150,
  reroute_unendorsed: 100,
  approval_lapsed: 200,
  confirmation_lapsed: 80,
  reminded: 1_000,
  escalated: 700,
  review_overdue: 40,
  reviewed: 300,
  NOT_HUMAN: 1_000,
  CONFLICTED: 1_000,
  WOULD_WEAKEN: 500,
  STALE_PATH: 80,
  REPLAYED: 300,
};

/** How many of the generated requests came through what. */
const reached = new Map<string, number>();

describe('APB, OVR, TTA, EMG: no grant without the approvals it needs', () => {
  it('whatever is said, by anyone, in any order, at any time', () => {
    const course = courses({ minLength: 8, maxLength: 22 });
    const property = fc.property(course, ({ scenario, moves }) => {
      const world = new World(new Dice(scenario));
      for (const word of moves) happens(world, word);
      for (const mark of marksOf(world)) reached.set(mark, (reached.get(mark) ?? 0) + 1);
      for (const broken of lawsBroken(world)) throw new Error(broken);
    });
    fc.assert(property, { numRuns: SEQUENCES });
  });

  it.each(Object.entries(AT_LEAST))('and that was tried on requests that came through: %s', (mark, least) => {
    if (isThorough) expect(reached.get(mark) ?? 0).toBeGreaterThanOrEqual(least);
  });
});

function marksOf({ steps, events, scenario }: World): ReadonlySet<string> {
  const marks = new Set<string>(events.map((event) => event.type));
  for (const { after } of steps) if (after) marks.add(after.status);
  for (const event of events) if (event.type === 'statement_refused') marks.add(event.refusal.code);
  if (scenario.isFlawed) marks.add('a flawed assessment');
  if (marks.has('active')) {
    if (marks.has('rerouted')) marks.add('active after a reroute');
    if (marks.has('reroute_proposed') && marks.has('rerouted')) marks.add('active after an endorsed reroute');
    if ((scenario.assessment.path?.stages.length ?? 0) > 1) marks.add('active with two stages');
    if (marks.has('confirmed')) marks.add('active with a confirmation');
    if (marks.has('path_switched')) marks.add('active after a switch');
    if (scenario.request.notBeforeMs !== undefined) marks.add('active after its start was awaited');
    if (events.some((event) => event.type === 'approval_counted' && event.durationMs !== undefined))
      marks.add('active for less than was asked');
    if (marks.has('review_owed')) marks.add('active after an emergency reroute');
    const approvals = events.flatMap((event) => (event.type === 'approval_counted' ? [event.by] : []));
    if (approvals.includes(DEPUTY)) marks.add('active by a delegate');
  }
  const approved = steps.filter(({ before }) => before?.status === 'approved');
  if (approved.some(({ events: then }) => then.some(({ type }) => type === 'denied')))
    marks.add('denied while its start was awaited');
  return marks;
}
