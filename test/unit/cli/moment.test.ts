import { readMomentMs } from '../../../src/cli/moment';

describe('a moment that is given to a command', () => {
  test.each([
    ['2026-11-21', '2026-11-21T00:00:00.000Z'],
    ['2026-11-21T10:00Z', '2026-11-21T10:00:00.000Z'],
    ['2026-11-21T10:00:30.5Z', '2026-11-21T10:00:30.500Z'],
    ['2026-11-21T11:00+01:00', '2026-11-21T10:00:00.000Z'],
    ['2028-02-29', '2028-02-29T00:00:00.000Z'],
  ])('%s is read', (text, iso) => {
    expect(new Date(readMomentMs(text) ?? Number.NaN).toISOString()).toBe(iso);
  });

  test.each([
    '2026-11-21T10:00',
    '2026-11-21 10:00Z',
    '2026-02-31',
    '2027-02-29',
    '2026-13-01',
    '2026-11-21T24:00Z',
    '2026-11-21T10:00+25:00',
    '21 November 2026',
    'yesterday',
    '',
  ])('%p is refused: it is none, or would mean another time on another machine', (text) => {
    expect(readMomentMs(text)).toBeUndefined();
  });
});
