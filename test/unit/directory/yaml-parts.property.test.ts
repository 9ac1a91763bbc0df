import fc from 'fast-check';
import { YamlFile } from '../../../src/directory/yaml-file';
import { joinParts, parsePart, splitYaml } from '../../../src/directory/yaml-parts';
import { directoryOf } from '../../support/large-directory';

const whole = (text: string): unknown => new YamlFile('', text).content();

/** What the parts say together; undefined if the text is parsed whole. */
function inParts(text: string, parts: number): unknown {
  const split = splitYaml(text, parts);
  return split === undefined ? undefined : joinParts(split.map(parsePart));
}

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

describe('DIR-1 a directory that is parsed in parts says what the whole says, or is parsed whole', () => {
  test.each([
    ['sections and entries of every kind, often with a line that does not belong', text, 3_000, 500],
    ['a good directory with a change', changed, 1_500, 150],
  ] as const)(
    '%s',
    (_what, texts, numRuns, leastJoined) => {
      let joined = 0;
      fc.assert(
        fc.property(texts, fc.constantFrom(2, 3, 1_000), (one, parts) => {
          const together = inParts(one, parts);
          if (together === undefined) return;
          joined += 1;
          expect(said(together)).toBe(said(whole(one)));
          expect(whole(one)).toBeDefined();
        }),
        { numRuns },
      );
      // Otherwise nothing would have been compared.
      expect(joined).toBeGreaterThan(leastJoined);
    },
    60_000,
  );

  test.each([
    ['an entry that stands in two parts', 'people:\n  a: 1\n  b: 2\n  a: 3\n'],
    ['a section that stands twice', 'people:\n  a: 1\n  b: 2\npeople:\n  c: 3\n  d: 4\n'],
    ['a quotation that is never closed', 'people:\n  a: "x\n  b: 2\n  c: y"\n'],
    ['a list that goes on over an entry', 'people:\n  a: [x,\n  b: 2,\n  c: 3]\n'],
    ['an alias', 'people:\n  a: &x 1\n  b: 2\n  c: *x\n'],
    ['a merge key in an entry', 'people:\n  a: 1\n  b:\n    <<: {}\n  c: 3\n'],
    ['a second document', 'people:\n  a: 1\n  b: 2\n---\npeople:\n  c: 3\n  d: 4\n'],
    ['a literal text whose lines look like entries', 'people: |\n  a: 1\n  b: 2\n  c: 3\n'],
    ['tabs', 'people:\n  a: x\ty\n  b: 2\n  c: 3\n'],
    ['a lone carriage return', 'people:\n  a: x\ry\n  b: 2\n  c: 3\n'],
  ])('%s is left to the whole file, which tells the line', (_what, one) => {
    expect(inParts(one, 1_000)).toBeUndefined();
  });

  test('a large directory is split into parts of about the same size, and is the same', () => {
    const large = directoryOf(2_000, 60);
    const parts = splitYaml(large, 4) ?? [];
    expect(parts).toHaveLength(4);
    for (const part of parts) expect(part.length).toBeLessThan(large.length / 3);
    expect(said(inParts(large, 4))).toBe(said(whole(large)));
  });
});
