import { type Kind, type Plan, planLife, type Saying } from '../plan';
import { Random } from '../random';

/** The requests of a run, by what they do while the version changes. */
export interface Cohorts {
  /** They wait for people. Those of the first list are decided while versions are mixed, the others after it. */
  readonly decidedMeanwhile: readonly Plan[];
  readonly decidedAfter: readonly Plan[];
  /** Their access is alive when it begins: the first end by their time, the others are revoked after it. */
  readonly ending: readonly Plan[];
  readonly revoked: readonly Plan[];
  /** They are submitted while versions are mixed, with all that goes wrong in a life without attacks. */
  readonly arriving: readonly Plan[];
}

export interface CohortSizes {
  readonly waiting: number;
  readonly held: number;
  readonly arriving: number;
}

/** A revocation waits until the version has changed, so such a grant must not end before. */
const HELD_MS = 3_600_000;

/** @param shortestMs the shortest life of a grant that is alive at the beginning; they end from then on, one after another */
export function planCohorts(seed: number, sizes: CohortSizes, shortestMs: number): Cohorts {
  let index = 0;
  const plans = (count: number, make: (random: Random, number: number, index: number) => Plan) =>
    Array.from({ length: count }, (_, number) => {
      const made = make(new Random(seed, `upgrade ${index}`), number, index);
      index += 1;
      return made;
    });
  const meanwhile = Math.floor(sizes.waiting * 0.4);
  const revoked = Math.floor(sizes.held * 0.25);
  return {
    decidedMeanwhile: plans(meanwhile, decided),
    decidedAfter: plans(sizes.waiting - meanwhile, decided),
    ending: plans(sizes.held - revoked, (_, number, at) => ({
      ...plain(at, 'read', 'approve'),
      durationMs: shortestMs + number * 8_000,
    })),
    revoked: plans(revoked, (random, _, at) => ({
      ...plain(at, 'read', 'revoke'),
      durationMs: HELD_MS,
      sayings: [{ ...said(random, 'person/greta'), verb: 'revoke' }],
    })),
    arriving: plans(sizes.arriving, (_, __, at) => planLife(seed, at, true)),
  };
}

export const allOf = (cohorts: Cohorts): readonly Plan[] => Object.values(cohorts).flat();

const decided = (random: Random, number: number, index: number): Plan => {
  const isAdmin = number % 3 === 2;
  const owner = said(random, random.pick(['person/mira', 'person/tomas']));
  const dba = {
    ...said(random, random.pick(['person/david', 'person/aiko'])),
    afterMs: owner.afterMs + 1_000,
  };
  return {
    ...plain(index, isAdmin ? 'admin' : 'write', 'approve'),
    durationMs: random.between(1_000, 4_000),
    sayings: isAdmin ? [owner, dba] : [owner],
  };
};

const plain = (index: number, kind: Kind, course: string): Plan => ({
  index,
  kind,
  course,
  durationMs: 0,
  sayings: [],
  attacks: [],
  overlaps: false,
});

const said = (random: Random, by: Saying['by']): Saying => ({
  afterMs: random.between(0, 12_000),
  by,
  verb: 'approve',
  revision: 0,
  via: random.chance(0.7) ? 'update' : 'signal',
  flaw: 'none',
  doubled: random.chance(0.2),
});
