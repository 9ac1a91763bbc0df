import type { Command } from '../../../src/domain/command';
import type { Dice } from './dice';
import { LEAD_1, REQUESTER } from './people';

const NUMBERS = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -1,
  0,
  0.5,
  Number.MAX_VALUE,
  2 ** 53,
];
const TEXTS = ['', '__proto__', 'constructor', 'toString', '\ud800', 'x'.repeat(20_000), LEAD_1, REQUESTER];

/** Members whose type is one of a few words. */
const WORDS = [
  'type',
  'verb',
  'code',
  'outcome',
  'kind',
  'before',
  'relation',
  'assurance',
  'verdict',
  'format',
];

/** Returns the same command with some of its data replaced by the strangest values that the types allow. */
export function junked(command: Command, dice: Dice): Command {
  const { type, atMs, ...rest } = command;
  return { ...(strange(rest, dice) as typeof rest), type, atMs } as Command;
}

function strange(value: unknown, dice: Dice): unknown {
  if (typeof value === 'number') return dice.chance(4) ? dice.pick(NUMBERS) : value;
  if (typeof value === 'string') return dice.chance(6) ? dice.pick(TEXTS) : value;
  if (typeof value === 'boolean') return dice.chance(6) ? !value : value;
  if (Array.isArray(value)) return strangeList(value, dice);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      WORDS.includes(name) || name === 'verified' ? one : strange(one, dice),
    ]),
  );
}

function strangeList(list: readonly unknown[], dice: Dice): readonly unknown[] {
  if (dice.chance(6)) return [];
  if (dice.chance(6)) return [...list, ...list];
  return list.map((one) => strange(one, dice));
}
