import { PLAIN, paint, terminalOf } from '../../../src/cli/terminal';

const TERMINAL = { isTTY: true, columns: 100 };

test.each([
  ['a terminal', TERMINAL, {}, true],
  ['a pipe', { isTTY: false, columns: 100 }, {}, false],
  ['a terminal with NO_COLOR', TERMINAL, { NO_COLOR: '1' }, false],
  ['a terminal with an empty NO_COLOR', TERMINAL, { NO_COLOR: '' }, true],
  ['a terminal that can show no colour', TERMINAL, { TERM: 'dumb' }, false],
])('colour on %s', (_, stream, env, hasColour) => {
  const terminal = terminalOf(stream, env);
  expect(terminal.hasColour).toBe(hasColour);
  expect(paint('red', 'x', terminal)).toBe(hasColour ? '\u001b[31mx\u001b[39m' : 'x');
});

test('the width is that of the terminal, and a pipe has none', () => {
  expect(terminalOf(TERMINAL, {}).columns).toBe(100);
  expect(terminalOf({ columns: 100 }, {})).toBe(PLAIN);
});
