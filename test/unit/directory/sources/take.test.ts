import fc from 'fast-check';
import { principalOf } from '../../../../src/directory/sources/principal-name';
import { isPrincipalId } from '../../../../src/domain/principal';
import { group, knownOf, person, rules, sent, taken } from './support';

const idsOf = ({ snapshot }: ReturnType<typeof taken>) => snapshot.people.map(({ id }) => id);

describe('DIR-1 the people of a source become principals by one rule', () => {
  test.each([
    ['ada', 'person/ada'],
    ['Ada.L', 'person/ada.l'],
    ['ada@example.com', 'person/ada_40example.com'],
    ['ada lovelace', 'person/ada_20lovelace'],
    ['zoë', 'person/zo_c3_ab'],
    ['', undefined],
    ['../../etc', undefined],
    ['аda', undefined],
    ['a'.repeat(64), undefined],
  ])('%j is %s', (foreign, id) => expect(principalOf(foreign)).toBe(id));

  test('whatever a source calls somebody, they become a person or nobody', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (foreign) => {
        const id = principalOf(foreign);
        expect(id === undefined || (isPrincipalId(id) && id.startsWith('person/'))).toBe(true);
      }),
    );
  });

  test('of two accounts that would be one person none is taken, and who was it before stays', () => {
    const both = sent([person('ada'), person('ADA', { stable: 'other', name: 'Another' })], ['ada', 'ADA']);
    const first = taken(both);
    expect(idsOf(first)).toEqual([]);
    expect(first.remarks).toEqual([
      expect.stringMatching(/2 accounts would all be person\/ada .* none of them/),
    ]);
    const known = knownOf(taken(sent(['ada'], [])).snapshot);
    const later = taken(both, known);
    expect(later.snapshot.people).toMatchObject([{ id: 'person/ada', stable: 'stable-ada' }]);
    expect(later.snapshot.groups['dba']).toEqual(['person/ada']);
  });

  test('DIR-3 a name in letters that look like those of somebody else is refused', () => {
    const before = taken(sent([person('nadia', { name: 'Nadia Petrova' })], []));
    const pushed = [person('nadia', { name: 'Nadia Petrova' }), person('nadia2', { name: 'Nаdia Petrova' })];
    const later = taken(sent(pushed, ['nadia2']), knownOf(before.snapshot));
    expect(idsOf(later)).toEqual(['person/nadia']);
    expect(later.snapshot.groups['dba']).toEqual([]);
    expect(later.remarks).toEqual([
      expect.stringMatching(/person\/nadia2 is not taken: .* reads like that of person\/nadia/),
    ]);
    expect(idsOf(taken(sent(pushed, [])))).toEqual(['person/nadia']);
  });

  test.each([
    ['an override of the direction of writing', '\u202eaidan'],
    ['an invisible letter', 'Na\u200bdia'],
    ['nothing to read', '   '],
    ['another form of the same letters', 'Zoe\u0308'],
    ['a second line', 'Nadia\napproved'],
  ])('a name with %s is refused and told', (_, name) => {
    const { snapshot, remarks } = taken(sent([person('x', { name })], []));
    expect(snapshot.people).toEqual([]);
    expect(remarks).toHaveLength(1);
  });

  test('no part of a snapshot can be a key', () => {
    const withKey = { ...person('eve'), keys: [{ jwk: {} }], roles: ['iam-operations'] };
    expect(JSON.stringify(taken(sent([withKey], [])).snapshot)).not.toMatch(/jwk|keys|iam-operations/);
  });
});

describe('DIR-1 nested groups are flat', () => {
  const people = ['a', 'b', 'c'].map((id) => person(id));

  test('five deep, and a group that contains itself by others is told', () => {
    const groups = [
      group('database-admins', ['a', 'cn=l1']),
      group('l1', ['cn=l2']),
      group('l2', ['cn=l3', 'b']),
      group('l3', ['cn=l4']),
      group('l4', ['c', 'cn=l1', 'uid=stranger']),
    ];
    const { snapshot, remarks } = taken({ people, groups });
    expect(snapshot.groups['dba']).toEqual(['person/a', 'person/b', 'person/c']);
    expect(remarks).toEqual(['"l1" contains itself by other groups; its members count once']);
  });

  test.each([
    ['is missing', [], /no group "database-admins"/],
    ['is there twice', [group('database-admins', []), group('database-admins', [])], /more than one group/],
    [
      'is nested too deep',
      [
        group('database-admins', ['cn=n0']),
        ...Array.from({ length: 20 }, (_, at) => group(`n${at}`, [`cn=n${at + 1}`])),
      ],
      /nested deeper than 16/,
    ],
  ])('a group that %s refuses the snapshot', (_, groups, message) => {
    expect(() => taken({ people, groups })).toThrow(message);
  });

  test('a source that gives too much is refused as a whole', () => {
    const many = Array.from({ length: 50_001 }, () => person('a'));
    expect(() => taken({ people: many, groups: [] })).toThrow(/more than 50000 people/);
    const groups = Array.from({ length: 2_001 }, (_, at) => group(`g${at}`, []));
    expect(() => taken({ people: [], groups })).toThrow(/more than 2000 groups/);
  });

  test('managers are sponsors, and nobody is their own', () => {
    const { snapshot } = taken(
      sent(
        [
          person('a', { managerRef: 'uid=b' }),
          person('b', { managerRef: 'uid=b' }),
          person('c', { managerRef: 'uid=?' }),
        ],
        [],
      ),
      undefined,
      rules(),
    );
    expect(snapshot.people.map(({ id, sponsor }) => [id, sponsor])).toEqual([
      ['person/a', 'person/b'],
      ['person/b', undefined],
      ['person/c', undefined],
    ]);
  });
});
