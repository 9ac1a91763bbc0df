import fc from 'fast-check';
import { accept, type HeldChange, type Released } from '../../../../src/directory/sources/accept';
import type { Snapshot } from '../../../../src/directory/sources/snapshot';
import { knownOf, person, rules, sent, taken } from './support';

const RULES = rules({ roles: { 'iam-operations': 'database-admins' } });
const NONE: Released = new Map();
const releasedBy = (held: readonly HeldChange[], by = 'person/nadia'): Released =>
  new Map(held.map(({ id }) => [id, [by]]));
const snapshotOf = (
  people: Parameters<typeof sent>[0],
  admins: readonly string[],
  before?: Snapshot,
): Snapshot => taken(sent(people, admins), before && knownOf(before), rules()).snapshot;
const first = (people: Parameters<typeof sent>[0], admins: readonly string[]) =>
  accept(undefined, snapshotOf(people, admins), rules(), NONE).snapshot;
const kinds = (held: readonly HeldChange[]) => held.map(({ kind, about }) => `${kind} ${about}`);
const STAFF = ['ada', 'bob', 'cy', 'dan', 'eve', 'fay', 'gus'];
const ids = (...names: readonly string[]) => names.map((name) => `person/${name}`);

describe('DIR-3 a change that would move who decides is held until a governor releases it', () => {
  const before = first(STAFF, ['ada', 'bob', 'cy']);

  test.each([
    ['empties a group', STAFF, [], 'group dba'],
    ['halves a group', STAFF, ['ada'], 'group dba'],
    ['makes everyone an approver', STAFF, STAFF, 'group dba'],
  ])('one that %s', (_, people, admins, what) => {
    const next = snapshotOf(people, admins, before);
    const { snapshot, held } = accept(before, next, rules(), NONE);
    expect(kinds(held)).toEqual([what]);
    expect(snapshot.groups['dba']).toEqual(before.groups['dba']);
    expect(accept(before, next, rules(), releasedBy(held))).toEqual({
      snapshot: next,
      held: [],
    });
  });

  test('a release is for that change alone', () => {
    const { held } = accept(before, snapshotOf(STAFF, ['eve'], before), rules(), NONE);
    const released = releasedBy(held);
    const other = accept(before, snapshotOf(STAFF, ['fay'], before), rules(), released);
    expect(kinds(other.held)).toEqual(['group dba']);
    expect(other.snapshot.groups['dba']).toEqual(ids('ada', 'bob', 'cy'));
  });

  test('DIR-2 who leaves goes at once, out of a group of which a change is held too', () => {
    const people = STAFF.map((name) => person(name, { active: name !== 'bob' }));
    const { snapshot, held } = accept(before, snapshotOf(people, ['eve'], before), rules(), NONE);
    expect(kinds(held)).toEqual(['group dba']);
    expect(snapshot.groups['dba']).toEqual(ids('ada', 'cy'));
    expect(snapshot.people.find(({ id }) => id === 'person/bob')).toMatchObject({ active: false });
    const gone = accept(before, snapshotOf(STAFF.slice(1), ['bob', 'cy'], before), rules(), NONE);
    expect(gone.held).toEqual([]);
    expect(gone.snapshot.people[0]).toMatchObject({ id: 'person/ada', active: false, gone: true });
    expect(gone.snapshot.groups['dba']).toEqual(ids('bob', 'cy'));
  });

  test('a governance role is given to nobody before it is released, the first time as later', () => {
    const named = taken(sent(STAFF, ['ada']), undefined, RULES).snapshot;
    const { snapshot, held } = accept(undefined, named, RULES, NONE);
    expect(snapshot.roles).toEqual({ 'iam-operations': [] });
    expect(kinds(held)).toEqual(['role iam-operations']);
    const released = accept(undefined, named, RULES, releasedBy(held)).snapshot;
    expect(released.roles).toEqual({ 'iam-operations': ids('ada') });
    // Nobody releases what is about themselves.
    expect(accept(undefined, named, RULES, releasedBy(held, 'person/ada')).held).toEqual(held);
    const lost = taken(sent(STAFF, []), undefined, RULES).snapshot;
    expect(accept(released, lost, RULES, NONE).snapshot.roles).toEqual({ 'iam-operations': [] });
  });

  test('an id that is used again is not the person who had it, and one who is renamed is not another', () => {
    const reused = STAFF.map((name) => person(name, name === 'ada' ? { stable: 'someone-else' } : {}));
    const again = accept(before, snapshotOf(reused, ['ada', 'bob', 'cy'], before), rules(), NONE);
    expect(kinds(again.held)).toEqual(['identity person/ada']);
    expect(again.snapshot.people[0]).toMatchObject({ stable: 'stable-ada', active: false });
    expect(again.snapshot.groups['dba']).toEqual(ids('bob', 'cy'));
    const renamed = [...STAFF.slice(1), 'zoe'].map((name) =>
      person(name, name === 'zoe' ? { stable: 'stable-ada' } : {}),
    );
    const under = accept(before, snapshotOf(renamed, ['zoe', 'bob', 'cy'], before), rules(), NONE);
    expect(kinds(under.held)).toEqual(['identity person/zoe']);
    expect(under.snapshot.people.map(({ id, active }) => `${id} ${active}`)).not.toContain('person/zoe true');
    expect(under.snapshot.groups['dba']).toEqual(ids('bob', 'cy'));
  });

  test('a source in which most people are missing is not believed, one that disables them is', () => {
    const many = Array.from({ length: 40 }, (_, at) => `p${at}`);
    const known = first(many, ['p0', 'p1']);
    const empty = accept(known, snapshotOf([], [], known), rules(), NONE);
    expect(kinds(empty.held)).toEqual(['vanished people', 'group dba']);
    expect(empty.snapshot).toEqual(known);
    const disabled = snapshotOf(
      many.map((name) => person(name, { active: false })),
      ['p0', 'p1'],
      known,
    );
    expect(accept(known, disabled, rules(), NONE).snapshot.people.some(({ active }) => active)).toBe(false);
  });
});

describe('DIR-2, DIR-3 whatever a source sends', () => {
  const name = fc.constantFrom(...STAFF, 'Ada', 'hal');
  const someone = fc
    .tuple(name, fc.boolean(), fc.constantFrom('', '-2'))
    .map(([id, active, tail]) => person(id, { active, stable: `stable-${id}${tail}` }));
  const anything = fc.tuple(
    fc.uniqueArray(someone, { selector: ({ foreignId }) => foreignId }),
    fc.uniqueArray(name),
  );

  test('nobody is in a group who is not active, nobody comes while it is held, and who left stays away', () => {
    fc.assert(
      fc.property(fc.array(anything, { minLength: 2, maxLength: 6 }), (course) => {
        let before: Snapshot | undefined;
        for (const [people, admins] of course) {
          const next = taken(sent(people, admins), before && knownOf(before), RULES).snapshot;
          const { snapshot, held } = accept(before, next, RULES, NONE);
          const active = new Set(snapshot.people.filter((one) => one.active).map(({ id }) => id));
          for (const members of Object.values(snapshot.groups))
            for (const id of members) expect(active).toContain(id);
          for (const { id } of next.people.filter((one) => !one.active)) expect(active).not.toContain(id);
          expect(Object.values(snapshot.roles).flat()).toEqual([]);
          if (held.some(({ kind }) => kind === 'group'))
            for (const id of snapshot.groups['dba'] ?? []) expect(before?.groups['dba']).toContain(id);
          expect((snapshot.groups['dba'] ?? []).length).toBeLessThanOrEqual(6);
          const stable = new Map(before?.people.map((one) => [one.id, one.stable]));
          for (const one of snapshot.people) expect(stable.get(one.id) ?? one.stable).toBe(one.stable);
          // The same again changes nothing.
          const again = accept(snapshot, next, RULES, NONE);
          expect(again.snapshot).toEqual(snapshot);
          before = snapshot;
        }
      }),
      { numRuns: 500 },
    );
  });
});
