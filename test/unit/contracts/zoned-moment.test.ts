import fc from 'fast-check';
import { readMoment } from '../../../src/contracts/zoned-moment';

const isoOf = (text: string): string => {
  const read = readMoment(text);
  return read.ok ? new Date(read.atMs).toISOString() : read.why;
};

describe('FRI-2, FRI-7 a time that a person types', () => {
  test.each([
    ['2026-11-28', '2026-11-28T00:00:00.000Z'],
    ['2026-11-28T02:00Z', '2026-11-28T02:00:00.000Z'],
    ['2026-11-28T02:00+01:00', '2026-11-28T01:00:00.000Z'],
    ['2026-11-28T02:00[Europe/Berlin]', '2026-11-28T01:00:00.000Z'],
    ['2026-07-28T02:00[Europe/Berlin]', '2026-07-28T00:00:00.000Z'],
    ['2026-11-28T02:00[America/New_York]', '2026-11-28T07:00:00.000Z'],
    ['2026-11-28T02:00:30[Asia/Kathmandu]', '2026-11-27T20:15:30.000Z'],
    ['2026-11-28T02:00[UTC]', '2026-11-28T02:00:00.000Z'],
    ['2026-11-28T02:00+01:00[Europe/Berlin]', '2026-11-28T01:00:00.000Z'],
    // The clocks are put forward at 02:00 and back at 03:00.
    ['2026-03-29T01:59[Europe/Berlin]', '2026-03-29T00:59:00.000Z'],
    ['2026-03-29T03:00[Europe/Berlin]', '2026-03-29T01:00:00.000Z'],
    ['2026-10-25T01:59[Europe/Berlin]', '2026-10-24T23:59:00.000Z'],
    ['2026-10-25T03:00[Europe/Berlin]', '2026-10-25T02:00:00.000Z'],
    ['2026-10-25T02:30+02:00[Europe/Berlin]', '2026-10-25T00:30:00.000Z'],
    ['2026-10-25T02:30+01:00[Europe/Berlin]', '2026-10-25T01:30:00.000Z'],
  ])('%s is %s', (text, iso) => {
    expect(isoOf(text)).toBe(iso);
  });

  test.each([
    ['2026-11-28T02:00', /has no zone.*add Z, an offset, or a zone/],
    ['2026-11-28 02:00', /has no zone/],
    ['2026-03-29T02:00[Europe/Berlin]', /does not exist in Europe\/Berlin/],
    ['2026-03-29T02:59[Europe/Berlin]', /does not exist/],
    ['2026-10-25T02:00[Europe/Berlin]', /comes twice.*2026-10-25T00:00:00.000Z and 2026-10-25T01:00:00.000Z/],
    ['2026-10-25T02:59[Europe/Berlin]', /comes twice/],
    ['2026-11-28T02:00+02:00[Europe/Berlin]', /2026-11-28T01:00:00.000Z, which \+02:00 does not fit/],
    ['2026-03-29T02:30+01:00[Europe/Berlin]', /skipped, which \+01:00 does not fit/],
    ['2026-11-28T02:00[Europe/Berlinn]', /Europe\/Berlinn is not a time zone/],
    ['2026-02-31T02:00[Europe/Berlin]', /is not a time such as/],
    ['2026-11-28T24:00[Europe/Berlin]', /is not a time such as/],
    ['2026-11-28[Europe/Berlin]', /is not a time such as/],
    ['yesterday', /is not a time such as/],
  ])('%s is refused, and the message says why', (text, why) => {
    expect(isoOf(text)).toMatch(why);
  });

  test('every local time of a year is one moment, skipped, or shown twice, and reads back as itself', () => {
    const zones = fc.constantFrom(
      'Europe/Berlin',
      'America/New_York',
      'Australia/Lord_Howe',
      'Asia/Kolkata',
      'UTC',
    );
    const minutes = fc.integer({ min: Date.UTC(2026, 0, 1) / 60_000, max: Date.UTC(2027, 0, 1) / 60_000 });
    fc.assert(
      fc.property(zones, minutes, (zone, minute) => {
        const atMs = minute * 60_000;
        const local = new Intl.DateTimeFormat('sv-SE', {
          ...{ timeZone: zone, dateStyle: 'short', timeStyle: 'short' },
        }).format(atMs);
        const read = readMoment(`${local.replace(' ', 'T')}[${zone}]`);
        // What a clock has shown cannot have been skipped.
        if (read.ok) expect(read.atMs).toBe(atMs);
        else expect(read.why).toContain(new Date(atMs).toISOString());
      }),
      { numRuns: 500 },
    );
  });
});
