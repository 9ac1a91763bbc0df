import type { Plan } from './population';
import { BEGIN } from './population';

/** Pseudorandom numbers, the same in every run (mulberry32). */
function thrower(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const TEAMS: Readonly<Record<string, readonly string[]>> = {
  payments: ['ci/payments', 'bot/deployer', 'person/ines'],
  analytics: ['agent/atlas'],
};
export const teamsOf = (id: string): readonly string[] =>
  Object.keys(TEAMS).filter((team) => TEAMS[team]?.includes(id));

const LEADS = ['person/mira', 'person/tomas', 'person/lena'];
const PEOPLE = ['ci/payments', 'bot/deployer', 'person/ines', 'agent/atlas'];
const ENTITLEMENTS = ['payments', 'orders', 'ledger'].flatMap((resource) =>
  ['write', 'admin'].map((action) => ({ connector: 'warehouse', resource, action })),
);
const SPAN_MS = 60 * 86_400_000;

/**
 * Requests of a company without problems: people deny some requests, take turns, read what they sign, and use
 * the paths that policy offers.
 */
export function* healthyCrowd(requests: number, seed = 7): Generator<Plan> {
  const dice = thrower(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(dice() * list.length)] as T;
  for (let index = 0; index < requests; index += 1) {
    const ends = pick([
      ...Array<'approved'>(12).fill('approved'),
      ...Array<'policy-alone'>(5).fill('policy-alone'),
      ...(['denied', 'denied', 'lapsed', 'withdrawn', 'stopped'] as const),
    ]);
    const turn = Math.floor(dice() * LEADS.length);
    const emergency = ends === 'approved' && dice() < 0.05;
    yield {
      id: `request-${index}`,
      atMs: BEGIN + Math.floor(dice() * SPAN_MS),
      what: pick(ENTITLEMENTS),
      who: pick(PEOPLE),
      ends,
      path: {
        name: emergency ? 'incident' : 'one-lead',
        stages: { owner: [...LEADS.slice(turn), ...LEADS.slice(0, turn)] },
      },
      decidesAfterMs: 20_000 + Math.floor(dice() ** 3 * 40 * 60_000),
      policies: ['production-write'],
      ...(emergency && { emergency }),
      ...(!emergency && ends === 'approved' && dice() < 0.03 && { rerouted: true }),
      ...(ends === 'denied' && dice() < 0.3 && { precedents: ['denied'] as const }),
    };
  }
}
