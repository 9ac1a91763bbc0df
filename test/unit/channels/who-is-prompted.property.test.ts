import fc from 'fast-check';
import type { Notice } from '../../../src/channels/notice';
import { promptsOf } from '../../../src/channels/plan/prompts';
import { decide } from '../../../src/domain/decide';
import { evolve } from '../../../src/domain/evolve';
import type { RequestState } from '../../../src/domain/state';
import type { Verb } from '../../../src/domain/statement';
import { DAY, HOUR, MINUTE, START } from '../../support/domain/builders';
import { assess, submit } from '../../support/domain/commands';
import { courses, Dice } from '../../support/domain/dice';
import { isThorough, tries } from '../../support/domain/effort';
import { happens } from '../../support/domain/moves';
import {
  DELEGATE,
  EVERYBODY,
  IAM,
  LEAD_1,
  LEAD_2,
  LEAD_3,
  LEAD_IN_GOVERNANCE,
  POLICY_ADMIN,
  SECOPS,
  standingOf,
} from '../../support/domain/people';
import { aStatement, verified } from '../../support/domain/statements';
import { World } from '../../support/domain/world';

const people = { ids: EVERYBODY, standingOf };
const told = new Map<string, number>();

const promptsIn = ({ state, nowMs }: World, reported: RequestState = state): readonly Notice[] =>
  promptsOf({ derived: state, reported, people, nearExpiryMs: 28_800_000, nowMs, precedents: [] }).notices;

/** Whether the core takes it of them, said at this moment by the strongest key. */
function wouldCount(world: World, who: string, verb: Verb, endorses?: string): boolean {
  const { state, nowMs } = world;
  const claims = {
    jti: `probe-${verb}-${who}-${endorses}`,
    revision: state.revision,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + 60_000,
    ...(endorses !== undefined && { endorses }),
  };
  const { request } = world.scenario;
  const statement = aStatement(verb, who, { ...claims, request: request.id, digest: state.digest });
  const facts = verified(statement, {
    signer: standingOf(who),
    assurance: 'phishing-resistant',
    keyId: `key-of-${who}`,
    channel: 'cli',
  });
  const events = decide(state, { type: 'consider', atMs: nowMs, check: { verified: true, facts } });
  return events.some((event) => event.type === 'statement_accepted');
}

/** Whom a notice says can act, and cannot; and whom it leaves out who can. */
function wrongIn(world: World): readonly string[] {
  const notices = promptsIn(world);
  for (const { kind } of notices) told.set(kind, (told.get(kind) ?? 0) + 1);
  const unable = notices
    .filter(({ subject: { verb } }) => verb === 'approve' || verb === 'confirm' || verb === 'endorse')
    .filter(
      ({ person, subject: { verb = 'approve', endorses } }) => !wouldCount(world, person, verb, endorses),
    )
    .map(({ person, kind }) => `${person} is told ${kind} and cannot act`);
  if (world.state.status !== 'awaiting_approval') return unable;
  const verb = world.state.openStage === undefined ? 'confirm' : 'approve';
  const left = EVERYBODY.filter((who) => wouldCount(world, who, verb))
    .filter((who) => !notices.some((one) => one.person === who && one.subject.verb === verb))
    .map((who) => `${who} could ${verb} and is not told`);
  return [...unable, ...left];
}

describe('FRI-2 those who can act are told, and nobody else', () => {
  it('at every moment of any request: whoever is told would be heard, whoever would be heard is told', () => {
    const property = fc.property(courses({ minLength: 4, maxLength: 14 }), ({ scenario, moves }) => {
      const world = new World(new Dice(scenario));
      for (const word of moves) {
        happens(world, word);
        const wrong = wrongIn(world);
        if (wrong.length > 0) throw new Error(wrong.join('\n'));
      }
    });
    fc.assert(property, { numRuns: tries(1_000) });
  });

  it.each(['awaiting', 'reminder', 'stalled', 'endorse'])('and that was tried with: %s', (kind) => {
    if (isThorough) expect(told.get(kind) ?? 0).toBeGreaterThan(0);
  });
});

describe('OVR-11 what time brings is told when the core says that it has come', () => {
  const at = (atMs: number, reported?: RequestState) => {
    let state: RequestState | null = null;
    for (const command of [submit(), assess(), { type: 'tick' as const, atMs }])
      for (const event of decide(state, command)) state = evolve(state, event);
    if (state === null) throw new Error('nothing was submitted');
    const prompts = promptsOf({
      derived: state,
      reported: reported ?? state,
      people,
      nearExpiryMs: 30 * MINUTE,
      precedents: [],
      nowMs: atMs,
    });
    const kinds = new Set(prompts.notices.map(({ kind }) => kind));
    return { state, kinds: [...kinds], changesAtMs: prompts.changesAtMs - START, told: prompts.notices };
  };

  it.each([
    [0, ['awaiting'], HOUR],
    [HOUR, ['reminder'], 2 * HOUR],
    [2 * HOUR, ['reminder', 'stalled'], 7.5 * HOUR],
    [7.5 * HOUR, ['closing', 'stalled'], 8 * HOUR],
    [8 * HOUR, [], Number.POSITIVE_INFINITY],
  ])('after %i ms: %j, and looked at again after %i', (afterMs, kinds, changesAtMs) => {
    expect(at(START + afterMs)).toMatchObject({ kinds, changesAtMs });
  });

  it('governance hears of a stall alone, and is nobody of the request', () => {
    const stalled = at(START + 2 * HOUR).told.filter(({ kind }) => kind === 'stalled');
    expect(stalled.map(({ person }) => person).sort()).toEqual(
      [DELEGATE, IAM, POLICY_ADMIN, SECOPS, LEAD_IN_GOVERNANCE].sort(),
    );
    expect(at(START + HOUR).told.every(({ person }) => [LEAD_1, LEAD_2, LEAD_3].includes(person))).toBe(true);
  });

  it('a workflow that says otherwise takes people off the list, and puts nobody on it', () => {
    const { state } = at(START);
    if (state.phase !== 'assessed') throw new Error('the request does not wait');
    const denied = evolve(state, { type: 'denied', atMs: START, by: LEAD_1 });
    expect(at(START, denied).told).toEqual([]);
    expect(at(START, { ...state, openStage: 'another' }).told).toEqual([]);
    const approvals = [{ by: LEAD_1, stage: 'leads', jti: 'j', expiresAtMs: START + DAY }];
    const told = at(START, { ...state, approvals }).told.map(({ person }) => person);
    expect(told).toEqual([LEAD_2, LEAD_3]);
  });
});
