import fc from 'fast-check';
import type { Command } from '../../../src/domain/command';
import { decide } from '../../../src/domain/decide';
import { nextEffect } from '../../../src/domain/effect';
import { evolve, fold } from '../../../src/domain/evolve';
import { aSubmission } from '../../support/domain/builders';
import { courses, Dice, word } from '../../support/domain/dice';
import { isThorough, tries } from '../../support/domain/effort';
import { junked } from '../../support/domain/junk';
import { happens } from '../../support/domain/moves';
import { given } from '../../support/domain/specification';
import { World } from '../../support/domain/world';

const aWorld = courses({ minLength: 4, maxLength: 14 }).map(({ scenario, moves }) => {
  const world = new World(new Dice(scenario));
  for (const move of moves) happens(world, move);
  return world;
});

describe('AUD-1 the core is a function', () => {
  it('decides the same again, on state and command that it cannot have changed', () => {
    const property = fc.property(aWorld, ({ steps }) => {
      for (const { before, command, events, after } of steps) {
        const again = decide(deepFreeze(before), deepFreeze(command));
        expect(again).toEqual(events);
        const folded = again.reduce((state, event) => evolve(deepFreeze(state), deepFreeze(event)), before);
        expect(folded).toEqual(after);
      }
    });
    fc.assert(property, { numRuns: tries(250) });
  });

  it('loses nothing where events or state travel as JSON, as they do when a history is cut', () => {
    const property = fc.property(aWorld, ({ events, state, nowMs }) => {
      const travelled = fold(overTheWire(events));
      expect(travelled).toEqual(state);
      const later: Command = { type: 'tick', atMs: nowMs + 3_600_000 };
      expect(decide(travelled, later)).toEqual(decide(overTheWire(state), later));
    });
    fc.assert(property, { numRuns: tries(250) });
  });
});

describe('AUD-1 the core is total', () => {
  it('junk of the right type yields events or none, never an exception', () => {
    let refused = 0;
    const property = fc.property(aWorld, fc.array(word, { minLength: 3, maxLength: 6 }), (world, words) => {
      const commands = world.steps.map((step) => step.command);
      for (const one of words) {
        const dice = new Dice(one);
        const command = junked(dice.pick(commands), dice);
        const start = dice.chance(5) ? null : world.state;
        const events = decide(start, command);
        expect(decide(start, command)).toEqual(events);
        const after = events.reduce(evolve, start);
        if (after) nextEffect(after);
        if (events.some((event) => event.type === 'statement_refused')) refused += 1;
      }
    });
    fc.assert(property, { numRuns: tries(700) });
    if (isThorough) expect(refused).toBeGreaterThan(300);
  });

  it.each([
    ['a number that JSON lacks', { arguments: { depth: Number.POSITIVE_INFINITY } }],
    ['a depth beyond reason', { arguments: { nested: nested(100_000) } }],
    ['a circle', { arguments: circle() }],
  ])('a submission with %s is rejected, and that is on record', (_, changes) => {
    const parameters = { tool: 'psql', toolVersion: '16', target: 'ledger', ...changes };
    const { request, proof } = aSubmission();
    const submission = { request: { ...request, kind: 'execution' as const, parameters }, proof };
    given()
      .when({ type: 'submit', atMs: 0, submission })
      .thenFollows(
        { type: 'submission_rejected', refusal: expect.objectContaining({ code: 'MALFORMED' }) },
        'barred',
      )
      .andIs('refused');
  });

  it('nothing happens to a request that was never submitted', () => {
    given().when({ type: 'tick', atMs: 0 }, { type: 'record_barred', atMs: 0 }).thenNothingHappened();
  });
});

function nested(depth: number): unknown {
  let value: unknown = [];
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

function circle(): Readonly<Record<string, unknown>> {
  const round: Record<string, unknown> = {};
  round['round'] = round;
  return round;
}

const overTheWire = <T>(value: T): T => JSON.parse(JSON.stringify(value));

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const one of Object.values(value)) deepFreeze(one);
  return Object.freeze(value);
}
