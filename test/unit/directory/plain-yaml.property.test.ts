import fc from 'fast-check';
import { parsePlainYaml } from '../../../src/directory/plain-yaml';
import { YamlFile } from '../../../src/directory/yaml-file';
import { directoryOf } from '../../support/large-directory';

const whole = (text: string): unknown => new YamlFile('', text).content();

/** Text that shows the order of members too. */
const said = (value: unknown): string => JSON.stringify(value) ?? 'nothing';

/** Entries of a section, valid each by itself. K becomes a name of its own. */
const ENTRIES = [
  ...[
    '  K: 1',
    '  K:',
    '  K: { name: C, at: [1, 2] }',
    '  K: [x,\n    y]',
    '  K: "x\n    y"',
    "  K: 'it''s\n\n    so'",
  ],
  ...[
    '  K: |\n    text\n      more',
    '  K: |+\n    text\n\n',
    '  K: >-\n    folded\n\n    text\n',
    '  K: |2\n    indented',
  ],
  ...[
    '  K:\n    name: A\n    # remark\n    members:\n    - a\n    - b',
    '  K: plain\n    goes on',
    '  # remark\n  K: x # remark',
  ],
  ...[
    '  K: &a 1',
    '  K: !!str 1',
    '  K: ~',
    '  K: 0x1f',
    '  K: 012',
    '  K: 1e3',
    '  K: .inf',
    '  K: -0',
    '  K: yes',
    '  K: 2026-01-01',
  ],
  ...[
    '  K:\n    __proto__: 1',
    '  K:\n    ? a\n    : b',
    '\n  K:\n\n    name: A\n',
    '  K:\n    |\n    text',
    '  K:   ',
  ],
];
/** Lines that make YAML hard: what opens in one line and closes in another, or never. */
const HARD = [
  ...[
    'people:',
    'people: |',
    '"people":',
    '---',
    '...',
    '%YAML 1.1',
    '  person/a: "x',
    '  y"',
    '  }',
    '  <<: *a',
    '  - x',
  ],
  ...[
    '  ? person/i',
    '  : name',
    '  person/j: [x,',
    '  person/k: {',
    '  !!str person/l: x',
    '  person/m: !!set',
    '   deep: 1',
  ],
  ...[
    '    more',
    '    "x',
    ' person/n: 1',
    '      ',
    'x',
    '  __proto__: 1',
    '  1: x',
    '  k0: again',
    'roles: {',
    'a: "',
    '  &b',
  ],
];
const SECTIONS = [
  'people:',
  'groups: # remark',
  'identities:\n',
  'roles: {}\nteams:',
  'a: "x\n  y"\nb:',
  '# remark\nc:',
];
const section = fc.tuple(
  fc.constantFrom(...SECTIONS),
  fc.array(fc.constantFrom(...ENTRIES), { minLength: 1, maxLength: 5 }),
);
const text = fc
  .tuple(
    fc.uniqueArray(section, { minLength: 1, maxLength: 3, selector: ([name]) => name }),
    fc.option(fc.tuple(fc.constantFrom(...HARD), fc.nat(30))),
  )
  .map(([sections, hard]) => {
    let names = 0;
    const lines = sections.flatMap(([name, entries]) => [
      ...name.split('\n'),
      ...entries.flatMap((entry) =>
        entry
          .replace('K', () => {
            names += 1;
            return `k${names - 1}`;
          })
          .split('\n'),
      ),
    ]);
    if (hard !== null) lines.splice(hard[1] % (lines.length + 1), 0, hard[0]);
    return `${lines.join('\n')}\n`;
  });

/** A good directory in which something was added, changed or left out somewhere. */
const CHARACTERS = [...'"\'{}[]|>&*!?:#-,% \n\tax', '  ', '\n  ', '---\n', '"\n', ': '];
const changed = fc
  .tuple(
    fc.nat(),
    fc.nat(3),
    fc.array(fc.constantFrom(...CHARACTERS), { minLength: 1, maxLength: 3 }).map((some) => some.join('')),
  )
  .map(([where, without, added]) => {
    const good = directoryOf(6, 2);
    const at = where % good.length;
    return good.slice(0, at) + added + good.slice(at + without);
  });

/** Scalars in all styles that look like something else, as a value and as a key. */
const SCALARS = fc.oneof(
  fc.stringMatching(/^[-+]?(0[xob]?)?[0-9a-fA-F_.:]{0,6}([eE][-+]?\d{0,2})?$/),
  fc.constantFrom(
    '~',
    'null',
    'Null',
    'nULL',
    'true',
    'True',
    'on',
    'No',
    'y',
    '.nan',
    '-.INF',
    '=',
    '<<',
    '-',
    '--- x',
  ),
  fc.constantFrom(
    '"\\x41\\u263a\\/"',
    '"a\\\n    b"',
    "'it''s'",
    '2026-11-30',
    '12:30:45',
    '9007199254740993',
    '1e400',
  ),
  fc.stringMatching(/^[ -~]{0,8}$/),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
);
const scalars = fc.array(fc.tuple(SCALARS, SCALARS, fc.nat(3)), { minLength: 1, maxLength: 3 }).map((some) =>
  some
    .map(([key, value, style], index) => {
      if (style === 0) return `${key}: ${value}`;
      return [`k${index}: ${value}`, `k${index}: [${value}, x]`, `k${index}:\n- ${value}`][style - 1];
    })
    .join('\n'),
);

describe('DIR-1 what the fast parser and the one that knows lines both accept, they read as the same', () => {
  test.each([
    ['sections and entries of every kind, often with a line that does not belong', text, 3_000, 500],
    ['a good directory with a change', changed, 1_500, 150],
    ['scalars of every kind', scalars, 4_000, 1_000],
  ] as const)(
    '%s',
    (_what, texts, numRuns, leastCompared) => {
      let compared = 0;
      fc.assert(
        fc.property(texts, (one) => {
          const fast = parsePlainYaml(one);
          if (fast === undefined) return;
          compared += 1;
          expect(said(fast)).toBe(said(whole(one)));
          expect(whole(one)).toBeDefined();
        }),
        { numRuns },
      );
      // Otherwise nothing would have been compared.
      expect(compared).toBeGreaterThan(leastCompared);
    },
    60_000,
  );

  test.each([
    ['an entry that stands twice', 'people:\n  a: 1\n  b: 2\n  a: 3\n'],
    ['a quotation that is never closed', 'people:\n  a: "x\n  b: 2\n  c: 3\n'],
    ['a list that goes on over an entry', 'people:\n  a: [x,\n  b: 2,\n  c: 3\n'],
    ['an anchor', 'people:\n  a: &x 1\n'],
    ['an alias', 'people:\n  a: &x 1\n  b: 2\n  c: *x\n'],
    ['a merge key in an entry', 'people:\n  a: 1\n  b:\n    <<: {}\n  c: 3\n'],
    ['a tag', 'people:\n  a: !!str 1\n'],
    ['a directive', '%YAML 1.1\n---\npeople: yes\n'],
    ['a second document', 'people:\n  a: 1\n---\npeople:\n  c: 3\n'],
    ['a key that is a number', 'people:\n  0x1f: a\n'],
    ['a key that is nothing', 'people:\n  ~: a\n'],
    ['nesting without end', `people: ${'['.repeat(5_000)}${']'.repeat(5_000)}\n`],
  ])('%s is left to the parser that tells the line', (_what, one) => {
    expect(parsePlainYaml(one)).toBeUndefined();
  });

  test('a directory is the same, and members keep their order', () => {
    const large = directoryOf(2_000, 60);
    expect(said(parsePlainYaml(large))).toBe(said(whole(large)));
  });
});
