import { endingOf, type GrantRecord, outcomeOf, reviewOf } from '../../../src/channels/plan/records';
import { DAY, HOUR, MINUTE, START } from '../../support/domain/builders';
import {
  BOT_AMONG_LEADS,
  DISABLED_LEAD,
  LEAD_1,
  LEAD_2,
  OWNER,
  REVIEWER,
  SECURITY_1,
  SPONSOR,
  standingOf,
} from '../../support/domain/people';

const people = { ids: [], standingOf };
const grant: GrantRecord = {
  request: 'request-0001',
  digest: 'sha-256:abc',
  requester: LEAD_2,
  beneficiary: 'service/beneficiary',
  entitlement: 'postgres:ledger#write',
  emergency: true,
  parties: [LEAD_2, 'service/beneficiary', SPONSOR, OWNER],
  participants: [LEAD_1],
  reviewers: [REVIEWER, SECURITY_1, LEAD_1, SPONSOR, DISABLED_LEAD, BOT_AMONG_LEADS],
  grantedAtMs: START,
  expiresAtMs: START + 2 * HOUR,
  reviewDueAtMs: START + DAY,
  reviewed: false,
};
const toldOf = (notices: readonly { kind: string; person: string }[]) =>
  notices.map(({ kind, person }) => `${kind} ${person}`);

describe('EMG-3 a review owed is told to those who can give it', () => {
  test('once the grant is over, not to parties, participants, machines or those who have left', () => {
    expect(reviewOf(grant, people, START + HOUR)).toEqual([]);
    const told = toldOf(reviewOf(grant, people, START + 3 * HOUR));
    expect(told).toEqual([`review ${REVIEWER}`, `review ${SECURITY_1}`]);
    expect(toldOf(reviewOf({ ...grant, overAtMs: START + 5 }, people, START + 6))).toEqual(told);
  });

  test('again when it is overdue, and no more when it was given', () => {
    expect(toldOf(reviewOf(grant, people, START + DAY))).toEqual([
      `review-overdue ${REVIEWER}`,
      `review-overdue ${SECURITY_1}`,
    ]);
    expect(reviewOf({ ...grant, reviewed: true }, people, START + DAY)).toEqual([]);
  });
});

describe('FRI-2 requesters hear what concerns them', () => {
  test('that a grant is about to end, shortly before, while it is alive, and only where it was long', () => {
    const at = (atMs: number, changes: Partial<GrantRecord> = {}) =>
      toldOf(endingOf({ ...grant, ...changes }, people, atMs, 15 * MINUTE));
    const both = [`ending ${LEAD_2}`, 'ending service/beneficiary'];
    expect(at(START + 2 * HOUR - 15 * MINUTE)).toEqual(both);
    expect(at(START + 2 * HOUR - 16 * MINUTE)).toEqual([]);
    expect(at(START + 2 * HOUR)).toEqual([]);
    expect(at(START + 2 * HOUR - MINUTE, { overAtMs: START })).toEqual([]);
    expect(at(START + 20 * MINUTE, { expiresAtMs: START + 25 * MINUTE })).toEqual([]);
  });

  test('FRI-2 not that access was granted which has ended since', () => {
    const granted = { ...grant, decided: 'granted' as const, atMs: START, untilMs: START + HOUR };
    expect(toldOf(outcomeOf(granted, people, START + MINUTE))).toEqual([`decided ${LEAD_2}`]);
    expect(outcomeOf(granted, people, START + HOUR)).toEqual([]);
    expect(outcomeOf({ ...granted, overAtMs: START + MINUTE }, people, START + 2 * MINUTE)).toEqual([]);
  });

  test('what became of it, unless they are gone', () => {
    const record = { ...grant, decided: 'denied' as const, atMs: START };
    expect(toldOf(outcomeOf(record, people, START))).toEqual([`decided ${LEAD_2}`]);
    expect(outcomeOf({ ...record, requester: DISABLED_LEAD }, people, START)).toEqual([]);
  });
});
