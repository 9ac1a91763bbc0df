import { type Leaver, leavingWithin } from '../../../src/friction/leaving';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 1);

const principals: readonly Leaver[] = [
  { id: 'person/kim', sponsor: 'person/lena', endsAtMs: NOW + 10 * DAY },
  { id: 'person/lena', endsAtMs: NOW + 20 * DAY },
  { id: 'agent/atlas', owner: 'person/lena', sponsor: 'person/helen' },
  { id: 'person/far', endsAtMs: NOW + 31 * DAY },
  { id: 'person/gone', endsAtMs: NOW - DAY },
  { id: 'person/forgotten', endsAtMs: NOW - 5 * DAY },
  { id: 'bot/orphan', owner: 'person/forgotten', sponsor: 'person/helen' },
  { id: 'person/helen' },
];
const grant = (request: string, parties: readonly string[], expiresAtMs: number) => ({
  request,
  connector: 'warehouse',
  parties,
  grantedAtMs: 0,
  expiresAtMs,
});
const grants = [
  grant('kims-own', ['person/kim', 'person/lena'], NOW + 15 * DAY),
  grant('kims-short', ['person/kim'], NOW + 2 * DAY),
  grant('atlas-long', ['agent/atlas', 'person/lena', 'person/helen'], NOW + 25 * DAY),
  grant('atlas-to-the-end', ['agent/atlas', 'person/lena'], NOW + 20 * DAY),
  grant('still-there', ['bot/orphan', 'person/forgotten'], NOW + DAY),
];

describe('FRI-7 who leaves, and what ends with them, before it happens', () => {
  const found = leavingWithin(principals, grants, { nowMs: NOW, withinMs: 30 * DAY });
  const of = (id: string) => found.find((one) => one.id === id);

  test('those near their end date, soonest first; past it only while something rests on them', () => {
    expect(found.map(({ id }) => id)).toEqual(['person/forgotten', 'person/kim', 'person/lena']);
    expect(of('person/forgotten')).toMatchObject({ over: true, answersFor: ['bot/orphan'] });
  });

  test('grants that their end date cuts short, also those that rest on them as owner or sponsor', () => {
    expect(of('person/kim')?.grants).toEqual([
      { request: 'kims-own', connector: 'warehouse', expiresAtMs: NOW + 15 * DAY, endsAtMs: NOW + 10 * DAY },
    ]);
    expect(of('person/lena')?.grants.map(({ request }) => request)).toEqual(['atlas-long']);
    expect(of('person/forgotten')?.grants).toMatchObject([{ request: 'still-there', endsAtMs: NOW }]);
  });

  test('identities that nobody would answer for', () => {
    expect(of('person/lena')?.answersFor).toEqual(['agent/atlas', 'person/kim']);
  });

  test('nobody, where nobody leaves in that time', () => {
    expect(leavingWithin(principals, [], { nowMs: NOW - 40 * DAY, withinMs: DAY })).toEqual([]);
  });
});
