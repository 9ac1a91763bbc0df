import type { Assessment } from '../../../src/domain/assessment';
import { checkCarriedLog, type LeaseOnTarget } from '../../../src/domain/carried-log';
import type { Command } from '../../../src/domain/command';
import { decide } from '../../../src/domain/decide';
import type { DomainEvent } from '../../../src/domain/event';
import { evolve } from '../../../src/domain/evolve';
import { checkStatement } from '../../../src/domain/ports';
import type { Submission } from '../../../src/domain/request';
import type { RequestState } from '../../../src/domain/state';
import type { Statement, Verb } from '../../../src/domain/statement';
import {
  aLease,
  aRequest,
  DAY,
  digestFor,
  HOUR,
  leads,
  MINUTE,
  needsApproval,
  recognition,
  START,
  security,
  stopped,
} from '../../support/domain/builders';
import { accessEnded, assess, at, granted, timePasses } from '../../support/domain/commands';
import {
  DELEGATE,
  IAM,
  LEAD_1,
  LEAD_2,
  LEAD_3,
  PROCESS_OWNER,
  REQUESTER,
  REVIEWER,
  SPONSOR,
  SUBSTITUTE_1,
} from '../../support/domain/people';
import { DirectoryInMemory, PolicyInMemory, sealed, submitted } from '../../support/domain/ports';
import { aStatement, replacing, switchingTo } from '../../support/domain/statements';

const REQUEST = aRequest();
const SUBMISSION = submitted(REQUEST);
const submit: Command = { type: 'submit', atMs: START, submission: SUBMISSION };

type Said = readonly [who: string, verb: Verb, claims?: Partial<Statement>];
type Step = Command | Said;

interface World {
  readonly assessment?: Assessment;
  readonly directory?: DirectoryInMemory;
}

/** Lets a request live by the rules, with statements that people really sealed, and returns its log. */
async function logOf(steps: readonly Step[], { assessment = needsApproval() }: World = {}) {
  const [directory, policy] = [new DirectoryInMemory(), new PolicyInMemory(assessment)];
  const events: DomainEvent[] = [];
  let state: RequestState | null = null;
  for (const step of [submit, assess(assessment), ...steps]) {
    const command = 'type' in step ? step : await considered(step, directory, policy);
    for (const event of decide(state, command)) {
      state = evolve(state, event);
      events.push(event);
    }
  }
  return events;
}

async function considered(
  [who, verb, claims]: Said,
  directory: DirectoryInMemory,
  policy: PolicyInMemory,
): Promise<Command> {
  const atMs = START + MINUTE;
  const envelope = sealed(aStatement(verb, who, claims));
  const check = await checkStatement(envelope, REQUEST, atMs, directory, policy);
  return { type: 'consider', atMs, check };
}

interface Reader {
  readonly submission?: Submission;
  readonly directory?: DirectoryInMemory;
  readonly policy?: PolicyInMemory;
  readonly lease?: LeaseOnTarget | 'not asked';
  readonly afterMs?: number;
}

const LEASE: LeaseOnTarget = { lease: aLease(), requestDigest: digestFor(REQUEST) };

/** Returns the status that a carried log is taken to stand for, or why it is not taken. */
async function taken(events: readonly DomainEvent[], reader: Reader = {}): Promise<string> {
  const {
    directory = new DirectoryInMemory(),
    policy = new PolicyInMemory(),
    lease,
    afterMs = HOUR,
  } = reader;
  const checked = await checkCarriedLog(
    events,
    reader.submission ?? SUBMISSION,
    START + afterMs,
    directory,
    policy,
    lease === 'not asked' ? undefined : async () => lease,
  );
  if (checked.ok) return checked.value.status;
  const { code, detail } = checked.refusal;
  return `${code}: ${detail.replace('the log of an earlier run does not hold: ', '')}`;
}

const approvals: readonly Said[] = [
  [LEAD_1, 'approve'],
  [LEAD_2, 'approve'],
];
const confirmed = needsApproval([leads()], { confirmation: { by: [SPONSOR], before: 'approval' } });
const reviewed = needsApproval([leads()], { reviewWithinMs: DAY });
const privileged = needsApproval([leads()], { privileged: true });
const awaitsReview = [...approvals, granted(), at(2 * HOUR, timePasses), at(2 * HOUR, accessEnded)];

type Honest = readonly [what: string, steps: readonly Step[], status: string, world?: World];

/** Logs as honest runs leave them: what is in them, where the request stands then, and by which policy. */
const HONEST: readonly Honest[] = [
  ['nothing yet', [], 'awaiting_approval'],
  ['one approval', [['person/lead-1', 'approve']], 'awaiting_approval'],
  ['all approvals', approvals, 'provisioning'],
  ['a grant', [...approvals, granted()], 'active'],
  ['a denial', [[LEAD_1, 'deny', { reasonCode: 'no' }]], 'denied'],
  ['a cancellation', [[PROCESS_OWNER, 'cancel']], 'cancelled'],
  ['a withdrawal', [[REQUESTER, 'withdraw']], 'withdrawn'],
  ['a replacement', [[IAM, 'reroute', replacing(LEAD_1, SUBSTITUTE_1)]], 'awaiting_approval'],
  ['a switch', [[IAM, 'reroute', switchingTo('by-the-chiefs')]], 'awaiting_approval'],
  ['a proposal', [[IAM, 'reroute']], 'awaiting_approval', { assessment: privileged }],
  [
    'an endorsed reroute',
    [
      [IAM, 'reroute'],
      [DELEGATE, 'endorse'],
    ],
    'awaiting_approval',
    { assessment: privileged },
  ],
  ['a confirmation', [[SPONSOR, 'confirm']], 'awaiting_approval', { assessment: confirmed }],
  ['a review', [...awaitsReview, [REVIEWER, 'review']], 'closed', { assessment: reviewed }],
];

describe('TTA-5 what a run carries over from an earlier one is taken if it can be derived again', () => {
  for (const [what, steps, status, world = {}] of HONEST)
    test(what, async () => {
      const events = await logOf(steps, world);
      const policy = new PolicyInMemory(world.assessment);
      expect(await taken(events, { policy, lease: LEASE })).toBe(status);
    });

  test('a refusal of a request that nobody was recognised for', async () => {
    const events = unrecognised(await logOf([], { assessment: stopped('refuse') }));
    expect(await taken(events)).toBe('refused');
  });
});

/** The kinds of events that somebody has to have signed, with a log that has one. */
const SIGNED: readonly (readonly [type: DomainEvent['type'], honest: string])[] = [
  ['approval_counted', 'one approval'],
  ['denied', 'a denial'],
  ['cancelled', 'a cancellation'],
  ['withdrawn', 'a withdrawal'],
  ['rerouted', 'a replacement'],
  ['path_switched', 'a switch'],
  ['reroute_proposed', 'a proposal'],
  ['confirmed', 'a confirmation'],
  ['reviewed', 'a review'],
];

const honest = async (name: string) => {
  const found = HONEST.find(([what]) => what === name);
  if (found === undefined) throw new Error(`there is no honest log with ${name}`);
  const [, steps, , world = {}] = found;
  return { events: await logOf(steps, world), policy: new PolicyInMemory(world.assessment) };
};

describe('TTA-5 what a run carries over from an earlier one is not taken if it cannot be derived again', () => {
  test.each(SIGNED)('%s without the statement that causes it', async (type, name) => {
    const { events, policy } = await honest(name);
    expect(events.map((event) => event.type)).toContain(type);
    // The statement just before it is the one that caused it.
    const cause = events
      .slice(
        0,
        events.findIndex((event) => event.type === type),
      )
      .findLastIndex((event) => event.type === 'statement_accepted');
    const unsigned = events.filter((_, index) => index !== cause);
    const why = await taken(unsigned, { policy, lease: LEASE });
    expect(why).toBe(`NOT_AUTHORISED: nobody signed what it records as ${type}`);
  });

  test.each(SIGNED)('%s by somebody else than who signed', async (type, name) => {
    const { events, policy } = await honest(name);
    const moved = events.map((event) => (event.type === type ? byAnother(event) : event));
    expect(moved).not.toEqual(events);
    expect(await taken(moved, { policy, lease: LEASE })).toContain('nobody signed what it records as');
  });

  test('an approval that counts under another id than its statement has', async () => {
    const { events } = await honest('one approval');
    const other = events.map((event) =>
      event.type === 'approval_counted' ? { ...event, jti: 'other' } : event,
    );
    expect(await taken(other)).toContain('nobody signed what it records as approval_counted');
  });

  test('a statement of one verb for the effect of another', async () => {
    const { events } = await honest('one approval');
    const denied: DomainEvent = { type: 'denied', atMs: START + MINUTE, by: LEAD_1 };
    expect(await taken([...events, denied])).toContain('nobody signed what it records as denied');
  });

  test('an endorsement that nobody gave', async () => {
    const { events, policy } = await honest('an endorsed reroute');
    const isEndorsement = (event: DomainEvent) =>
      event.type === 'statement_accepted' && event.accepted.statement.verb === 'endorse';
    const alone = events.filter((event) => !isEndorsement(event));
    expect(await taken(alone, { policy })).toContain('nobody signed what it records as rerouted');
  });

  test('a statement that says otherwise than its signature', async () => {
    const { events } = await honest('one approval');
    const changed = events.map((event) =>
      event.type === 'statement_accepted'
        ? {
            ...event,
            accepted: { ...event.accepted, statement: { ...event.accepted.statement, comment: 'yes' } },
          }
        : event,
    );
    expect(await taken(changed)).toBe('NOT_AUTHORISED: a statement says otherwise than its signature');
  });

  test('a statement about another request', async () => {
    const about = aRequest({ reason: 'something else' });
    const statement = aStatement('approve', LEAD_1, {}, about);
    const { events } = await honest('one approval');
    const borrowed = events.map((event) =>
      event.type === 'statement_accepted'
        ? { ...event, accepted: { ...event.accepted, statement, envelope: sealed(statement) } }
        : event,
    );
    expect(await taken(borrowed)).toBe('NOT_AUTHORISED: a statement says otherwise than its signature');
  });

  test('a statement by a key that was revoked since', async () => {
    const { events } = await honest('one approval');
    expect(await taken(events, { directory: new DirectoryInMemory({}, [LEAD_1]) })).toContain('UNKNOWN_KEY');
  });

  test('nothing at all, and the log of another submission', async () => {
    expect(await taken([])).toBe('NOT_AUTHORISED: it is about another submission');
    const { events } = await honest('nothing yet');
    const other = submitted(aRequest({ reason: 'something else' }));
    expect(await taken(events, { submission: other })).toBe('NOT_AUTHORISED: it is about another submission');
  });

  test('a log whose digest is not that of the request', async () => {
    const { events } = await honest('nothing yet');
    const digest = digestFor(aRequest({ reason: 'something else' }));
    const changed = events.map((event) => (event.type === 'submitted' ? { ...event, digest } : event));
    expect(await taken(changed)).toBe('NOT_AUTHORISED: its digest is not that of the request');
  });

  test('a requester whose key was revoked since, or who is somebody else', async () => {
    const { events } = await honest('nothing yet');
    const without = new DirectoryInMemory({}, [REQUESTER]);
    expect(await taken(events, { directory: without })).toContain('UNKNOWN_KEY');
    const other = events.map((event) =>
      event.type === 'recognised' ? { ...event, recognition: { ...recognition, principal: LEAD_3 } } : event,
    );
    expect(await taken(other)).toBe('NOT_AUTHORISED: its requester is somebody else');
  });

  test('a request that waits although nobody was recognised', async () => {
    const events = unrecognised(await logOf([]));
    expect(await taken(events)).toBe('NOT_AUTHORISED: its requester was not recognised');
  });

  test.each<readonly [string, LeaseOnTarget | undefined, string]>([
    ['of which the target knows nothing', undefined, 'the target has no lease of this request'],
    [
      'of another request',
      { ...LEASE, requestDigest: 'sha-256:other' },
      'the target has no lease of this request',
    ],
    [
      'with another account',
      { ...LEASE, lease: aLease({ account: 'svc_other' }) },
      'the target has another lease of this request',
    ],
  ])('a grant %s', async (_what, lease, why) => {
    const { events } = await honest('a grant');
    expect(await taken(events, lease === undefined ? {} : { lease })).toBe(`NOT_AUTHORISED: ${why}`);
    expect(await taken(events, { lease: 'not asked' })).toBe('active');
  });

  test('a lease that a bar ended is asked for as well', async () => {
    const steps: readonly Step[] = [[LEAD_1, 'deny', { reasonCode: 'no' }]];
    const held = { lease: aLease(), endedAtMs: START + MINUTE };
    const events = await logOf([...steps, { type: 'record_barred', atMs: START, held }]);
    expect(await taken(events, { lease: LEASE })).toBe('denied');
    expect(await taken(events)).toBe('NOT_AUTHORISED: the target has no lease of this request');
  });

  test('a path that is weaker than policy demands today collects no signature', async () => {
    const { events } = await honest('nothing yet');
    const stricter = new PolicyInMemory(needsApproval([leads(), security()]));
    expect(await taken(events, { policy: stricter })).toMatch(/^POLICY_CHANGED/);
  });

  test.each([
    ['provisioning', ['approved', 'provisioning_started']],
    ['approved', ['approved']],
  ] as const)('%s on half of the approvals', async (_status, types) => {
    const { events } = await honest('one approval');
    const atMs = START + MINUTE;
    const madeUp: readonly DomainEvent[] = [
      { type: 'stage_completed', atMs, stage: 'leads' },
      ...types.map((type) => ({ type, atMs })),
    ];
    expect(await taken([...events, ...madeUp])).toBe(
      'NOT_AUTHORISED: its evidence leads to awaiting_approval',
    );
  });

  test('approvals of people who may not decide any more', async () => {
    const { events } = await honest('all approvals');
    const gone = new PolicyInMemory(needsApproval([leads({ eligible: [LEAD_2, LEAD_3] })]));
    expect(await taken(events, { policy: gone })).not.toBe('provisioning');
  });
});

/** The log without the recognition of who asked. */
const unrecognised = (events: readonly DomainEvent[]) => events.filter(({ type }) => type !== 'recognised');

/** The same event, as somebody else's doing. */
function byAnother(event: DomainEvent): DomainEvent {
  if (event.type === 'rerouted' || event.type === 'reroute_proposed')
    return { ...event, reroute: { ...event.reroute, by: SPONSOR } };
  if (event.type === 'path_switched') return { ...event, change: { ...event.change, by: SPONSOR } };
  return 'by' in event ? { ...event, by: SUBSTITUTE_1 } : event;
}
