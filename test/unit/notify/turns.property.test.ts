import fc from 'fast-check';
import { decide } from '../../../src/domain/decide';
import type { RequestState } from '../../../src/domain/state';
import type { Verb } from '../../../src/domain/statement';
import type { Notice } from '../../../src/notify/notice';
import { turnsOf } from '../../../src/notify/plan/turns';
import { courses, Dice } from '../../support/domain/dice';
import { isThorough, tries } from '../../support/domain/effort';
import { happens } from '../../support/domain/moves';
import { EVERYBODY, standingOf } from '../../support/domain/people';
import { aStatement, verified } from '../../support/domain/statements';
import { World } from '../../support/domain/world';

const people = { ids: EVERYBODY, standingOf };
const told = new Map<string, number>();

const turnsIn = ({ state, nowMs }: World, reported: RequestState = state): readonly Notice[] =>
  turnsOf({ derived: state, reported, people, nearExpiryMs: 28_800_000, nowMs }).notices;

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
  const statement = aStatement(verb, who, { ...claims, request: request.id, digest: state.digest ?? '' });
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
  const notices = turnsIn(world);
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

  it.each([
    'awaiting',
    'reminder',
    'closing',
    'stalled',
    'endorse',
  ])('and that was tried with: %s', (kind) => {
    if (isThorough) expect(told.get(kind) ?? 0).toBeGreaterThan(0);
  });
});
