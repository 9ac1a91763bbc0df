import { piecesOf } from '../../../src/web/parts/words';

const shown = (text: string): string =>
  piecesOf(text)
    .map(({ text: piece, unseen }) => (unseen ? `[${piece}]` : piece))
    .join('');

describe('WEB-6 words of others hide nothing', () => {
  test.each<[string, string, string]>([
    ['plain words and letters of all scripts', 'déjà vu, 申請, עברית 👍', 'déjà vu, 申請, עברית 👍'],
    ['line feeds, which make lines', 'one\ntwo', 'one\ntwo'],
    ['a mark that turns the direction', 'give \u202eevil', 'give [U+202E]evil'],
    ['an isolate that never ends', '\u2067abc', '[U+2067]abc'],
    ['spaces of no width', 'pay\u200bments', 'pay[U+200B]ments'],
    ['a soft hyphen', 'pay\u00adments', 'pay[U+00AD]ments'],
    ['a letter that is drawn as nothing', 'a\u3164b', 'a[U+3164]b'],
    ['tags that only machines read', 'ok\u{e0041}', 'ok[U+E0041]'],
    ['a joiner of graphemes', 'a\u034fb', 'a[U+034F]b'],
    ['an empty pattern of Braille', 'a\u2800b', 'a[U+2800]b'],
    ['half a character', 'a\ud800b', 'a[U+D800]b'],
    ['a carriage return', 'a\rb', 'a[U+000D]b'],
    ['a line separator', 'a\u2028b', 'a[U+2028]b'],
  ])('%s', (_what, text, expected) => {
    expect(shown(text)).toBe(expected);
  });
});
