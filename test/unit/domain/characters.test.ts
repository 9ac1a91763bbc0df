import {
  hasInvisible,
  hasInvisibleInLines,
  inSentence,
  isBlank,
  isNormal,
  isUnicode,
  textsIn,
  withMarks,
} from '../../../src/domain/characters';

const at = (...codes: readonly number[]) => String.fromCodePoint(...codes);
const HALF = '\ud83d';
/** By code point, so that nothing in this file hides: a soft hyphen, zero width, a turn, private use, separators, blank Braille, annotations. */
const INVISIBLE = [
  0x00, 0x09, 0x0a, 0x7f, 0xad, 0x200b, 0x202e, 0xe000, 0x2028, 0x2029, 0x2800, 0xfff9, 0xfffb,
];

describe('TTA-3 what can be read of a text is what is in it', () => {
  test('half of a character is not Unicode; a whole one is', () => {
    expect(isUnicode('a🚀')).toBe(true);
    expect(isUnicode(`a${HALF}`)).toBe(false);
  });

  test.each(INVISIBLE)('U+%i cannot be seen, alone or in a text, and is marked', (code) => {
    expect(hasInvisible(at(code))).toBe(true);
    expect(hasInvisible(`a${at(code)}b`)).toBe(true);
    expect(withMarks(`a${at(code)}b${at(code)}`)).toBe('a\ufffdb\ufffd');
  });

  test('what can be seen is left as it is', () => {
    for (const text of ['a b', 'Миграция', '移行 🚀', at(0x27ff), at(0x2801)]) {
      expect(hasInvisible(text)).toBe(false);
      expect(withMarks(text)).toBe(text);
    }
    expect(withMarks(`a${HALF}b${HALF}`)).toBe('a\ufffdb\ufffd');
  });

  test('line breaks and tabs, however many, may stand in a text of several lines, and nothing else', () => {
    expect(hasInvisibleInLines('one\n\ttwo\n\tthree')).toBe(false);
    expect(hasInvisibleInLines(`one\n${at(0x200b)}two`)).toBe(true);
    expect(hasInvisibleInLines('one\r\ntwo')).toBe(true);
  });

  test.each<[string, boolean]>([
    ['', true],
    [' \t\n', true],
    [at(0x3000, 0xa0), true],
    [' a ', false],
    ['a', false],
  ])('%j is blank: %s', (text, expected) => {
    expect(isBlank(text)).toBe(expected);
  });

  test('two ways to write one character are told apart', () => {
    expect(isNormal(at(0xe9))).toBe(true);
    expect(isNormal(at(0x65, 0x301))).toBe(false);
  });

  test.each([
    ['warehouse', 'warehouse'],
    ['person/mira.k@x-1:a+b_2', 'person/mira.k@x-1:a+b_2'],
    ['', '""'],
    ['a b', '"a b"'],
    ['a"', '"a\\""'],
    ['"a', '"\\"a"'],
  ])('%j stands in a sentence as %s', (name, expected) => {
    expect(inSentence(name)).toBe(expected);
  });

  test('each text in data is found, with its path; names of members too, indexes of lists not', () => {
    expect([...textsIn({ a: ['x', { b: 'y' }], n: null, c: 1 })]).toEqual([
      { path: [], text: 'a', isName: true },
      { path: [], text: 'n', isName: true },
      { path: [], text: 'c', isName: true },
      { path: ['a', '1'], text: 'b', isName: true },
      { path: ['a', '1', 'b'], text: 'y', isName: false },
      { path: ['a', '0'], text: 'x', isName: false },
    ]);
    expect([...textsIn('alone')]).toEqual([{ path: [], text: 'alone', isName: false }]);
    expect([...textsIn(null)]).toEqual([]);
  });

  test('data as deep as anybody sends it is walked through', () => {
    let deep: unknown = 'end';
    for (let level = 0; level < 3_000; level += 1) deep = [deep];
    expect([...textsIn(deep)].map(({ text }) => text)).toEqual(['end']);
  });
});
