import { readMomentMs } from '../../../src/contracts/moment';
import { directorySchema } from '../../../src/directory/directory-file';

const endDateOf = (text: string) =>
  directorySchema.safeParse({ people: { 'person/kim': { name: 'Kim', endDate: text } } }).data?.people[
    'person/kim'
  ]?.endDate;

describe('a moment that is given to a command, or in the directory', () => {
  test.each([
    ['2026-11-21', '2026-11-21T00:00:00.000Z'],
    ['2026-11-21T10:00Z', '2026-11-21T10:00:00.000Z'],
    ['2026-11-21T10:00:30.5Z', '2026-11-21T10:00:30.500Z'],
    ['2026-11-21T11:00+01:00', '2026-11-21T10:00:00.000Z'],
    ['2028-02-29', '2028-02-29T00:00:00.000Z'],
  ])('%s is read', (text, iso) => {
    expect(new Date(readMomentMs(text) ?? Number.NaN).toISOString()).toBe(iso);
    // What a command takes or prints can be written into the directory.
    expect(endDateOf(text)).toBe(readMomentMs(text));
    expect(endDateOf(iso)).toBe(readMomentMs(text));
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
    expect(endDateOf(text)).toBeUndefined();
  });
});
