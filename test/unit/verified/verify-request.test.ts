import type { Command } from '../../../src/domain/command';
import { decide } from '../../../src/domain/decide';
import type { DomainEvent } from '../../../src/domain/event';
import { evolve } from '../../../src/domain/evolve';
import type { GrantEntry } from '../../../src/domain/precedents';
import type { RequestState } from '../../../src/domain/state';
import { type Claim, type Reader, verifyRequest } from '../../../src/verified/verify-request';
import {
  aLease,
  aRequest,
  DAY,
  digestFor,
  HOUR,
  MINUTE,
  needsApproval,
  permitted,
  START,
  stopped,
} from '../../support/domain/builders';
import { assess, at, granted, says } from '../../support/domain/commands';
import { BENEFICIARY, LEAD_1, LEAD_2, LEAD_3, REQUESTER, REVIEWER } from '../../support/domain/people';
import { DirectoryInMemory, PolicyInMemory, sealed, submitted } from '../../support/domain/ports';
import { aStatement } from '../../support/domain/statements';

const request = aRequest();
const reader: Reader = { directory: new DirectoryInMemory(), policy: new PolicyInMemory() };

/** The events of an honest request to which this was said. */
function eventsOf(...commands: readonly Command[]): readonly DomainEvent[] {
  const events: DomainEvent[] = [];
  let state: RequestState | null = null;
  for (const command of [
    { type: 'submit', atMs: START, submission: submitted(request) } as const,
    ...commands,
  ])
    for (const event of decide(state, command)) {
      events.push(event);
      state = evolve(state, event);
    }
  return events;
}

const signs = (who: string, verb: 'approve' | 'deny'): Command =>
  says(who, verb, {}, { envelope: sealed(aStatement(verb, who)) });

const waiting = eventsOf(assess(), at(MINUTE, signs(LEAD_1, 'approve')));
const approved = eventsOf(
  assess(),
  at(MINUTE, signs(LEAD_1, 'approve')),
  at(2 * MINUTE, signs(LEAD_2, 'approve')),
);
const lease = aLease({ id: request.id, grantedAtMs: START + 3 * MINUTE, expiresAtMs: START + 2 * HOUR });
const active = [...approved, ...decidedAfter(approved, at(3 * MINUTE, granted(lease)))];

function decidedAfter(events: readonly DomainEvent[], command: Command): readonly DomainEvent[] {
  let state: RequestState | null = null;
  for (const event of events) state = evolve(state, event);
  return decide(state, command);
}

const reading = (events: readonly DomainEvent[], by: Reader = reader, claim: Partial<Claim> = {}) =>
  verifyRequest({ requestId: request.id, events, ...claim }, by, START + 4 * MINUTE);

const whyNot = async (...given: Parameters<typeof reading>): Promise<string> => {
  const read = await reading(...given);
  return read.holds ? 'it holds' : read.refusal.detail;
};

describe('TTA-5 what is said of a request is derived', () => {
  it('shows a waiting request as its proof has it: who asks, who signed, who is awaited, what to sign', async () => {
    const read = await reading(waiting);
    if (!read.holds) throw new Error(read.refusal.detail);
    expect(read).toMatchObject({
      request: { requester: REQUESTER, beneficiary: BENEFICIARY },
      digest: digestFor(request),
      view: { status: 'awaiting_approval', approvals: [{ by: LEAD_1 }], awaiting: [LEAD_2, LEAD_3] },
      serverSays: [],
    });
  });

  it('shows a request that is still assessed by its signature alone', async () => {
    expect(await reading(eventsOf())).toMatchObject({ holds: true, view: { status: 'assessing' } });
    const forged = eventsOf().map((event) =>
      event.type === 'submitted'
        ? { ...event, submission: { ...event.submission, proof: sealed(aStatement('approve', LEAD_1)) } }
        : event,
    );
    expect(await whyNot(forged)).toBe('forged');
  });

  it.each([
    ['an approval that nobody signed', [...waiting, approvalBy(LEAD_2)], /nobody signed/],
    [
      'a requester who signed nothing',
      inventedSubmission(waiting, { requester: 'person/somebody-else' }),
      /digest|forged/,
    ],
    ['other words than were signed', inventedSubmission(waiting, { reason: 'harmless' }), /digest/],
    ['a path that policy does not give', eventsOf(assess(permitted())), /policy now demands the path/],
    [
      'a refusal by policy that waits',
      restamped(eventsOf(assess(stopped('refuse'))), waiting),
      /refuse|nobody/,
    ],
    [
      'a stage that is not open',
      withStage(waiting, 'security'),
      /server says awaiting_approval \(security\)/,
    ],
    ['events that begin in the middle', waiting.slice(1), /nothing that is signed/],
  ] as const)('does not hold: %s', async (_what, events, why) => {
    expect(await whyNot(events)).toMatch(why);
  });

  it('does not hold under the id of another request, or with another submission in the history', async () => {
    expect(await whyNot(waiting, reader, { requestId: 'request-0002' })).toMatch(/another request/);
    const other = submitted({ ...request, reason: 'something else' });
    expect(await whyNot(waiting, reader, { submission: other })).toMatch(/not what its events are about/);
    expect(await whyNot(waiting, reader, { submission: submitted(request) })).toBe('it holds');
  });

  it('keeps what the server says of a request that does not hold apart from what is derived', async () => {
    const read = await reading([...waiting, approvalBy(LEAD_2)]);
    expect(read).toMatchObject({ holds: false, claimed: { approvals: [{ by: LEAD_1 }, { by: LEAD_2 }] } });
  });

  it('says of access what is only the word of the server', async () => {
    expect(await reading(active)).toMatchObject({
      holds: true,
      view: { status: 'active', lease },
      serverSays: ['access'],
    });
  });

  it('believes no access that its evidence does not lead to, that the target does not have, or that no ledger has', async () => {
    const madeUp = [...waiting, ...grantedAfter(waiting)];
    expect(await whyNot(madeUp)).toMatch(/leads to awaiting_approval, not to a grant/);
    expect(await whyNot(active, { ...reader, leaseOf: async () => ({ asked: true }) })).toMatch(/no lease/);
    expect(await whyNot(active, { ...reader, grantOf: async () => undefined })).toMatch(
      /ledger has no grant/,
    );
  });

  it('shows access that the target has on record, with nothing left to the word of the server', async () => {
    const known = { lease, requestDigest: digestFor(request) };
    const leaseOf = async () => ({ asked: true as const, lease: known });
    expect(await reading(active, { ...reader, leaseOf })).toMatchObject({ holds: true, serverSays: [] });
  });

  it('awaits for a review those whom the ledger or policy names, not those whom the server names', async () => {
    const owed = active.map((event) =>
      event.type === 'granted'
        ? { ...event, reviewDueAtMs: START + DAY, reviewers: ['person/stranger'] }
        : event,
    );
    const ended = [...owed, { type: 'access_ended', atMs: START + 3 * MINUTE, end: 'revoked' } as const];
    const named = async (by: Reader) => {
      const read = await reading(ended, by);
      return read.holds ? read.view.awaiting : read.refusal.detail;
    };
    expect(await named(reader)).toEqual(needsApproval().reviewers);
    expect(await named({ ...reader, grantOf: async () => entry })).toEqual([REVIEWER]);
  });

  it('lets a denial hold that was signed, and says of an end by the clock that only the server says it', async () => {
    const denied = eventsOf(assess(), at(MINUTE, signs(LEAD_1, 'deny')));
    expect(await reading(denied)).toMatchObject({ holds: true, view: { status: 'denied' }, serverSays: [] });
    const lapsed = [...waiting, { type: 'lapsed', atMs: START + 2 * MINUTE } as const];
    expect(await reading(lapsed)).toMatchObject({ holds: true, serverSays: ['end'] });
  });
});

const entry: GrantEntry = {
  digest: digestFor(request),
  request: request.id,
  connector: 'warehouse',
  emergency: false,
  requester: REQUESTER,
  beneficiary: BENEFICIARY,
  parties: [],
  participants: [],
  reviewers: [REVIEWER],
  grantedAtMs: START + 3 * MINUTE,
  expiresAtMs: START + 2 * HOUR,
};

function approvalBy(by: string): DomainEvent {
  return {
    type: 'approval_counted',
    atMs: START + 2 * MINUTE,
    by,
    stage: 'leads',
    jti: 'made-up',
    expiresAtMs: START + DAY,
  };
}

function inventedSubmission(
  events: readonly DomainEvent[],
  changes: Partial<typeof request>,
): readonly DomainEvent[] {
  return events.map((event) =>
    event.type === 'submitted'
      ? { ...event, submission: { ...event.submission, request: { ...request, ...changes } } }
      : event,
  );
}

function restamped(
  refusedEvents: readonly DomainEvent[],
  by: readonly DomainEvent[],
): readonly DomainEvent[] {
  const assessed = refusedEvents.find((event) => event.type === 'assessed');
  return by.map((event) => (event.type === 'assessed' && assessed ? assessed : event));
}

function withStage(events: readonly DomainEvent[], stage: string): readonly DomainEvent[] {
  return events.map((event) => (event.type === 'stage_opened' ? { ...event, stage } : event));
}

function grantedAfter(events: readonly DomainEvent[]): readonly DomainEvent[] {
  const atMs = (events.at(-1)?.atMs ?? START) + 1;
  return [
    { type: 'approved', atMs },
    { type: 'provisioning_started', atMs },
    { type: 'granted', atMs, lease },
  ];
}
