import { matches, parseFilter } from '../../../src/gateway/scim/filter';
import { patched } from '../../../src/gateway/scim/patch';
import { ScimProblem } from '../../../src/gateway/scim/problem';
import { KINDS } from '../../../src/gateway/scim/schema';
import { pushedSources, sourceOfToken } from '../../../src/gateway/scim/tokens';

const [USERS, GROUPS] = KINDS;
const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
    return 'none';
  } catch (error) {
    return error instanceof ScimProblem ? error.scimType : 'another error';
  }
};
const isMatch = (filter: string, values: object) =>
  matches(parseFilter(filter), values, (path) => path === 'id');

describe('DIR-1 filters of SCIM', () => {
  const ada = {
    id: 'A1',
    userName: 'Ada',
    active: true,
    emails: [
      { type: 'work', value: 'ada@example.com' },
      { type: 'home', value: 'x@example.org' },
    ],
  };
  test.each([
    ['userName eq "ADA"', true],
    ['id eq "a1"', false],
    ['USERNAME sw "a" and active eq true', true],
    ['userName eq "b" or userName eq "ada" and active eq false', false],
    ['not (userName eq "b")', true],
    ['emails[type eq "work" and value ew "example.com"]', true],
    ['emails[type eq "home" and value ew "example.com"]', false],
    ['emails.type eq "home"', true],
    ['emails co "example.org"', true],
    ['title pr', false],
    ['title eq null', true],
    ['userName ne "ada"', false],
    ['userName gt "a" and userName le "ada"', true],
    ['userName eq "\\u0041da"', true],
    ['constructor pr or toString pr', false],
  ])('%s', (filter, expected) => {
    expect(isMatch(filter, ada)).toBe(expected);
  });

  test.each([
    ['deeply nested', `${'('.repeat(400)}a eq 1${')'.repeat(400)}`],
    ['nested in elements', `${'a['.repeat(100)}a eq 1${']'.repeat(100)}`],
    ['of many comparisons', Array(90).fill('(a eq 1)').join(' and ')],
    // A library makes 2^18 terms of this one.
    ['of sums and products', Array(18).fill('(a eq 1 or b eq 2)').join(' and ')],
    ['too long', `userName eq "${'x'.repeat(1_000)}"`],
    ['without an end', 'userName eq "a'],
    ['that goes on', 'userName eq "a" userName'],
    ['with an unknown operator', 'userName like "a"'],
    ['that compares with a name', 'userName eq displayName'],
    ['empty', ' '],
  ])('one that is %s is refused', (_, filter) => {
    expect(codeOf(() => parseFilter(filter))).toBe('invalidFilter');
  });
});

describe('DIR-1 changes by PATCH', () => {
  const team = { displayName: 'Team', members: [{ value: 'a' }, { value: 'b' }] };
  const user = { userName: 'ada', active: true };
  const op = (op: 'add' | 'remove' | 'replace', path?: string, value?: unknown) => ({
    op,
    ...(path !== undefined && { path }),
    ...(value !== undefined && { value }),
  });

  test('DIR-2 attributes that are not kept do not stop somebody from being disabled', () => {
    const changed = patched(USERS, user, [
      op('replace', 'phoneNumbers[type eq "mobile"].value', '1'),
      op('replace', 'urn:example:extension:2.0:User:shoe', '42'),
      op('replace', 'active', 'False'),
    ]);
    expect(changed).toEqual({ userName: 'ada', active: false });
  });

  test('the same member is there once, and who is removed by a list is gone', () => {
    expect(patched(GROUPS, team, [op('add', 'members', [{ value: 'b' }, { value: 'c' }])])).toMatchObject({
      members: [{ value: 'a' }, { value: 'b' }, { value: 'c' }],
    });
    expect(patched(GROUPS, team, [op('remove', 'members', [{ value: 'b' }])])).toMatchObject({
      members: [{ value: 'a' }],
    });
    expect(patched(GROUPS, team, [op('remove', 'members[value eq "x\\" or value pr or \\""]')])).toEqual(
      team,
    );
    expect(patched(GROUPS, team, [op('remove', 'members')])).toEqual({ displayName: 'Team' });
  });

  test.each([
    ['a value of another type', op('replace', 'active', 'perhaps'), 'invalidValue'],
    ['an object for a name', op('replace', 'userName', { a: 1 }), 'invalidValue'],
    ['what the gateway sets', op('replace', 'id', 'x'), 'mutability'],
    ['no path', op('remove'), 'noTarget'],
    ['a path that is none', op('replace', '][', 'x'), 'invalidPath'],
    ['a filter on one value', op('replace', 'userName[a eq 1]', 'x'), 'invalidPath'],
    ['taking the name away', op('remove', 'userName'), 'invalidValue'],
    [
      'too many values',
      op(
        'add',
        'emails',
        Array.from({ length: 21 }, (_, at) => ({ value: `${at}` })),
      ),
      'tooMany',
    ],
  ])('%s is refused', (_, operation, code) => {
    expect(codeOf(() => patched(USERS, user, [operation]))).toBe(code);
  });

  test('nothing gets into a prototype', () => {
    const sent = JSON.parse('{"constructor": {"x": 1}, "toString": "x", "title": "t"}');
    expect(patched(USERS, user, [op('add', undefined, sent)])).toEqual({ ...user, title: 't' });
    expect('x' in Object.prototype).toBe(false);
  });
});

test('DIR-3 without a file there is no token, and an empty one is not one', () => {
  const source = {
    kind: 'scim-server',
    tokenFile: '/nowhere',
    people: { id: 'userName', stableId: 'id', accounts: {} },
    groups: {},
    roles: {},
  } as const;
  const sources = pushedSources({ office: source });
  for (const authorization of [undefined, '', 'Bearer', 'Bearer ', 'Basic x', 'Bearer x'])
    expect(sourceOfToken(authorization, sources)).toBeUndefined();
});
