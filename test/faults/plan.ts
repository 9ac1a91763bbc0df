import type { PrincipalId } from '../../src/domain/principal';
import type { Verb } from '../../src/domain/statement';
import { Random } from './random';

/** What is requested. The last three must never be granted. */
export type Kind = 'read' | 'write' | 'admin' | 'emergency' | 'control' | 'over-limit' | 'stranger';

/** What is wrong with a statement, if anything. */
export type Flaw =
  | 'none'
  | 'borrowed-key'
  | 'strange-key'
  | 'wrong-digest'
  | 'stale-revision'
  | 'expired'
  | 'wrong-signal';

/** One statement: who sends it, when after the start, and by which call. */
export interface Saying {
  readonly afterMs: number;
  readonly by: PrincipalId;
  readonly verb: Verb;
  readonly revision: number;
  readonly via: 'update' | 'signal';
  readonly flaw: Flaw;
  /** True if it is sent a second time, byte for byte. */
  readonly doubled: boolean;
}

/** An attack on this one request by someone who can write to the namespace. */
export const ATTACKS = [
  'poison',
  'flood',
  'unknown-names',
  'bad-updates',
  'cancel',
  'terminate',
  'terminate-and-restart',
  'reset',
  'reset-without-signals',
  'delete',
  'restart-when-over',
] as const;
export type Attack = (typeof ATTACKS)[number];

export interface PlannedAttack {
  readonly afterMs: number;
  readonly attack: Attack;
}

/** One life of a request, from its own seed. */
export interface Plan {
  readonly index: number;
  readonly kind: Kind;
  readonly course: string;
  readonly durationMs: number;
  readonly sayings: readonly Saying[];
  readonly attacks: readonly PlannedAttack[];
  /** A second request for the same access at the same time. */
  readonly overlaps: boolean;
  /** Prefix of the request's id, which tells a broken worker which promise to break. */
  readonly idPrefix?: string;
}

const KINDS: Readonly<Record<Kind, number>> = {
  read: 18,
  write: 42,
  admin: 14,
  emergency: 10,
  control: 5,
  'over-limit': 5,
  stranger: 6,
};

const COURSES = {
  approve: 44,
  'deny-first': 12,
  'deny-late': 6,
  cancel: 8,
  withdraw: 8,
  reroute: 8,
  nobody: 6,
  revoke: 8,
};
type Course = keyof typeof COURSES;

const FLAWS: readonly Flaw[] = [
  'none',
  'none',
  'none',
  'borrowed-key',
  'strange-key',
  'wrong-digest',
  'stale-revision',
  'expired',
  'wrong-signal',
];

/** Those who may not decide: owner, sponsor, governance, a lead of another team, an operator. */
const BYSTANDERS: readonly PrincipalId[] = [
  'person/ines',
  'person/helen',
  'person/nadia',
  'person/lena',
  'person/felix',
  'agent/atlas',
];

/** Generates the life with that number. `calm` leaves out attacks. */
export function planLife(seed: number, index: number, calm: boolean): Plan {
  const random = new Random(seed, `life ${index}`);
  const kind = random.weighted(KINDS);
  const course = random.weighted(COURSES);
  const sayings = [...mainSayings(kind, course, random), ...noise(kind, random)];
  return {
    index,
    kind,
    course,
    durationMs: random.between(1_000, 4_000),
    sayings: sayings.sort((a, b) => a.afterMs - b.afterMs),
    attacks: calm ? [] : attacks(random),
    overlaps: kind === 'read' && random.chance(0.3),
  };
}

/** The people whose approvals lead to a grant: a list of alternatives for each stage. */
export const STAGES: Readonly<Record<Kind, readonly (readonly PrincipalId[])[] | undefined>> = {
  read: [],
  write: [['person/mira', 'person/tomas']],
  admin: [
    ['person/mira', 'person/tomas'],
    ['person/david', 'person/aiko'],
  ],
  emergency: [['person/sofia', 'person/marcus']],
  control: undefined,
  'over-limit': undefined,
  stranger: undefined,
};

function mainSayings(kind: Kind, course: Course, random: Random): readonly Saying[] {
  const stages = STAGES[kind] ?? STAGES.write ?? [];
  const decided = stages.map((people, stage) =>
    saying(random, random.pick(people), 'approve', 300 + 700 * stage, 1_000 + 700 * stage),
  );
  const lastMs = Math.max(0, ...decided.map((one) => one.afterMs));
  const first = stages[0] ?? ['person/tomas'];
  const denied = saying(random, random.pick(first), 'deny', 50, 250);
  switch (course) {
    case 'approve':
      return decided;
    case 'deny-first':
      return [denied, ...decided];
    case 'deny-late':
      return [...decided, { ...denied, afterMs: lastMs + random.between(0, 1_500) }];
    case 'cancel':
      return [saying(random, 'person/chen', 'cancel', 0, 1_500), ...decided];
    case 'withdraw':
      return [saying(random, 'self', 'withdraw', 0, 1_500), ...decided];
    case 'revoke':
      return [...decided, saying(random, 'person/greta', 'revoke', lastMs, lastMs + 2_000)];
    case 'nobody':
      return [];
    case 'reroute':
      return kind === 'write' ? rerouted(random) : decided;
  }
}

/** David replaces Mira and decides; she no longer can. */
function rerouted(random: Random): readonly Saying[] {
  const reroute = { ...saying(random, 'person/nadia', 'reroute', 0, 200), via: 'update' as const };
  const late = random.between(1_200, 2_000);
  return [
    reroute,
    { ...saying(random, 'person/mira', 'approve', late, late + 200), revision: 0 },
    { ...saying(random, 'person/david', 'approve', late, late + 400), revision: 1 },
  ];
}

function saying(random: Random, by: PrincipalId, verb: Verb, leastMs: number, mostMs: number): Saying {
  return {
    afterMs: random.between(leastMs, mostMs),
    by,
    verb,
    revision: 0,
    via: random.chance(0.6) ? 'update' : 'signal',
    flaw: 'none',
    doubled: random.chance(0.2),
  };
}

/** Statements that must have no effect: from people without authority, or with one flaw. */
function noise(kind: Kind, random: Random): readonly Saying[] {
  return Array.from({ length: random.between(0, 3) }, () => {
    const flaw = random.pick(FLAWS);
    const stage = (STAGES[kind] ?? [])[0] ?? ['person/mira'];
    const by = flaw === 'none' ? random.pick(BYSTANDERS) : random.pick(stage);
    return { ...saying(random, by, 'approve', 0, 3_000), flaw };
  });
}

function attacks(random: Random): readonly PlannedAttack[] {
  if (random.chance(0.4)) return [];
  return Array.from({ length: random.between(1, 2) }, () => ({
    afterMs: random.between(0, 3_500),
    attack: random.pick(ATTACKS),
  }));
}
