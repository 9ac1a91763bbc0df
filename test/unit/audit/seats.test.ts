import type { Seat } from '../../../src/audit/verify/seat-assignment';
import { assignSeats } from '../../../src/audit/verify/seat-assignment';
import { seatsFilled } from '../../../src/audit/verify/seats';
import type { CountedStatement } from '../../../src/audit/verify/witness';
import type { ApprovalPath, Stage } from '../../../src/domain/assessment';

const STAGE: Stage = {
  name: 'owner',
  eligible: [],
  groups: ['owners'],
  substituteGroups: [],
  quorum: 1,
  assurance: 'key',
  remindAfterMs: 1,
  escalateAfterMs: 2,
  expireAfterMs: 3,
};

function said(by: string, at: number, about: Partial<CountedStatement> = {}): CountedStatement {
  const holder = {
    id: by,
    roles: [],
    groups: ['owners'],
    active: true,
    assurance: 'key',
    channel: 'cli',
    standsInFor: [],
  };
  const base = { jti: `j${at}`, iat: 0, exp: 1_000, verb: 'approve', digest: '', where: '', keyId: by };
  return { ...base, receivedAtMs: at, holder, alternative: undefined, emergencyGroups: [], ...about };
}

/** Every choice, one after the other: slow, and plainly right. */
function byTrying(quorums: ReadonlyMap<string, number>, offers: readonly Seat[]): boolean {
  const next = [...quorums].find(([, quorum]) => quorum > 0);
  if (next === undefined) return true;
  const [name, quorum] = next;
  return offers
    .filter((offer) => offer.stage === name)
    .some((taken) =>
      byTrying(
        new Map([...quorums, [name, quorum - 1]]),
        offers.filter(
          ({ by, stage, place }) => by !== taken.by && !(stage === taken.stage && place === taken.place),
        ),
      ),
    );
}

describe('AUD-3 seats are filled by distinct people, or not at all', () => {
  test('as trying every choice says, for 3,000 made-up offers', () => {
    let state = 7;
    const below = (limit: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((state / 2_147_483_648) * limit);
    };
    const counts = { filled: 0, unfilled: 0 };
    for (let tries = 0; tries < 3_000; tries += 1) {
      const quorums = new Map(['a', 'b'].map((name) => [name, 1 + below(2)]));
      const offers = Array.from({ length: below(9) }, () => ({
        stage: below(2) === 0 ? 'a' : 'b',
        by: `person/${below(4)}`,
        place: `person/${below(4)}`,
      }));
      const seats = assignSeats(quorums, offers);
      expect([seats !== undefined, offers]).toEqual([byTrying(quorums, offers), offers]);
      counts[seats === undefined ? 'unfilled' : 'filled'] += 1;
      if (seats === undefined) continue;
      expect(new Set(seats.map(({ by }) => by)).size).toBe(seats.length);
      expect(new Set(seats.map(({ stage, place }) => `${stage} ${place}`)).size).toBe(seats.length);
      for (const [name, quorum] of quorums)
        expect(seats.filter(({ stage }) => stage === name)).toHaveLength(quorum);
    }
    expect(Math.min(counts.filled, counts.unfilled)).toBeGreaterThan(500);
  });

  test('AUD-3 however many approvals there are: this would not end if every choice were tried', () => {
    const eligible = Array.from({ length: 7 }, (_, at) => `person/e${at}` as const);
    const approvals = eligible.flatMap((place) =>
      Array.from({ length: 9 }, (_, at) => ({ by: `${place}-${at}`, stage: 'owner', place })),
    );
    expect(assignSeats(new Map([['owner', 8]]), approvals)).toBeUndefined();
    expect(assignSeats(new Map([['owner', 7]]), approvals)).toHaveLength(7);
  });

  test('AUD-3 however often reroutes lead back to the same place', () => {
    const person = (at: number) => `person/p${at}`;
    // Each is put in the place of the one before twice: sixty times over, 2^60 ways.
    const reroutes = Array.from({ length: 62 }, (_, at) => {
      const rank = Math.floor(at / 2);
      const replacement = { replace: person(rank), with: person(rank + 1), untilMs: 500_000 };
      return said('person/nadia', at, { verb: 'reroute', replacement });
    });
    const path: ApprovalPath = { name: 'p', stages: [{ ...STAGE, eligible: ['person/p0'] }] };
    const seats = seatsFilled(path, [...reroutes, said(person(31), 100)], false, 200);
    expect(seats).toEqual([{ stage: 'owner', by: person(31), place: 'person/p0' }]);
  });
});
