import type { Command } from '../../../src/domain/command';
import type { HeldLease, LeaseEnding } from '../../../src/domain/lease';
import { requestDetails } from '../../../src/domain/request-details';
import { snapshotOf } from '../../../src/domain/snapshot';
import { aLease, DAY, HOUR, leads, MINUTE, needsApproval, START } from '../../support/domain/builders';
import { at, granted, notProvisioned, says, timePasses } from '../../support/domain/commands';
import { active, provisioning } from '../../support/domain/courses';
import { REVIEWER, SECOPS } from '../../support/domain/people';
import { given, stateAfter, viewAfter } from '../../support/domain/specification';

const withReview = needsApproval([leads()], { reviewWithinMs: DAY });

const grantedAndOver = (end: 'expired' | 'revoked'): Command => ({
  type: 'record_grant',
  atMs: START,
  lease: aLease(),
  end,
});
const endedWith = (ending: Partial<LeaseEnding>): Command => ({
  type: 'record_access_ended',
  atMs: START,
  ending: { end: 'expired', atMs: START + HOUR, ...ending },
});
const barredOver = (held: Partial<HeldLease> = {}): Command => ({
  type: 'record_barred',
  atMs: START,
  held: { lease: aLease(), endedAtMs: START + MINUTE, ...held },
});

describe('AUD-2 EMG-3 a lease that was over before its request heard of it', () => {
  it('is on record as given, and is told to end all the same', () => {
    given(...provisioning())
      .when(at(3 * HOUR, grantedAndOver('expired')))
      .thenFollows({ type: 'granted', lease: aLease() }, { type: 'ending_ordered', end: 'expired' })
      .andIs('active');
  });

  it('ends with the times and the cause that the target has on record', () => {
    const ending = { atMs: START + HOUR + 1, cause: 'overdue' } as const;
    const history = [...provisioning(), at(3 * HOUR, grantedAndOver('expired'))];
    given(...history)
      .when(at(3 * HOUR, endedWith(ending)))
      .thenFollows(
        { type: 'access_ended', end: 'expired', endedAtMs: ending.atMs, cause: 'overdue' },
        'closed',
      );
    const state = stateAfter(...history, at(3 * HOUR, endedWith(ending)));
    expect(snapshotOf(state).ended).toEqual({ end: 'expired', ...ending });
    expect(requestDetails(state)).toContain('(overdue), before it was told to');
  });

  it('leaves the review owed that an emergency grant leaves, from when it was given', () => {
    const history = [
      ...provisioning(withReview),
      at(3 * HOUR, grantedAndOver('expired')),
      at(3 * HOUR, endedWith({})),
    ];
    expect(stateAfter(...history)).toMatchObject({
      status: 'expired',
      review: { phase: 'due', dueAtMs: START + DAY },
    });
    given(...history)
      .when(says(REVIEWER, 'review'))
      .thenFollows('reviewed', 'closed');
  });
});

describe('AUD-2 FRI-7 a grant that something else ended', () => {
  it('is on record as taken back then, though its own timer finds it so', () => {
    given(...active(), at(2 * HOUR, timePasses))
      .when(at(2 * HOUR, endedWith({ end: 'revoked', atMs: START + MINUTE, cause: 'standing_lost' })))
      .thenFollows(
        { type: 'access_ended', end: 'revoked', endedAtMs: START + MINUTE, cause: 'standing_lost' },
        'closed',
      );
  });

  it.each([
    ['before it was given', START - DAY, START],
    ['in the future', START + 9 * DAY, START + 2 * HOUR],
    ['at no number', Number.NaN, START + 2 * HOUR],
  ])('cannot have ended %s', (_, atMs, endedAtMs) => {
    given(...active(), at(2 * HOUR, timePasses))
      .when(at(2 * HOUR, endedWith({ atMs })))
      .thenFollows({ type: 'access_ended', endedAtMs }, 'closed');
  });

  it('says nothing where it was not told to end', () => {
    given(...active())
      .when(endedWith({ end: 'revoked' }))
      .thenNothingHappened();
  });
});

describe('AUD-2 EMG-3 a bar that comes upon a lease which nobody had heard of', () => {
  it('keeps on record that there was access, from when to when', () => {
    const history = [...provisioning(), notProvisioned];
    given(...history)
      .when(at(HOUR, barredOver()))
      .thenFollows({ type: 'barred', held: { lease: aLease(), endedAtMs: START + MINUTE } })
      .andIs('failed');
    expect(requestDetails(stateAfter(...history, at(HOUR, barredOver())))).toContain('nobody heard of it');
  });

  it('leaves the review owed, and the request open for it', () => {
    given(...provisioning(withReview), notProvisioned)
      .when(at(HOUR, barredOver()), says(REVIEWER, 'review'), says(SECOPS, 'revoke', { jti: 'late' }))
      .thenFollows('barred', { type: 'review_owed', dueAtMs: START + DAY }, 'reviewed', {
        type: 'statement_refused',
        refusal: expect.objectContaining({ code: 'NOT_NOW' }),
      })
      .andIs('failed');
  });

  it('believes no lease that outlives the request, and no end after now', () => {
    const held = { lease: aLease({ expiresAtMs: START + 99 * DAY }), endedAtMs: START + 99 * DAY };
    const { held: kept } = viewAfter(...provisioning(), notProvisioned, at(HOUR, barredOver(held)));
    expect(kept?.lease.expiresAtMs).toBe(START + 3 * HOUR);
    expect(kept?.endedAtMs).toBe(START + HOUR);
  });

  it('is no grant: a grant that comes later still changes nothing', () => {
    given(...provisioning(), notProvisioned, barredOver())
      .when(granted(), grantedAndOver('expired'))
      .thenNothingHappened();
  });
});
