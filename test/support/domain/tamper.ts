import type { Evidence } from '../../../src/domain/evidence';
import type { KeptStatement } from '../../../src/domain/statement';
import { aRequest, HOUR, START } from './builders';
import type { Dice } from './dice';
import { kept } from './evidence';
import { LEAD_1, LEAD_2, SECURITY_1, SUBSTITUTE_1 } from './people';
import { sealed } from './ports';
import { aStatement } from './statements';

/** Evidence with one change, and the part that was changed. */
export interface Tampered {
  readonly part: 'submission' | 'statements' | 'assessment';
  readonly evidence: Evidence;
}

export function tamper(evidence: Evidence, dice: Dice): Tampered {
  const part = dice.pick(['submission', 'statements', 'assessment', 'statements'] as const);
  if (part !== 'statements')
    return { part, evidence: { ...evidence, [part]: withOneLeafChanged(evidence[part], dice) } };
  return {
    part,
    evidence: { ...evidence, statements: dice.pick(STATEMENT_TRICKS)(evidence.statements, dice) },
  };
}

type Trick = (statements: readonly KeptStatement[], dice: Dice) => readonly KeptStatement[];

const insert = (statements: readonly KeptStatement[], at: number, ...more: readonly KeptStatement[]) => [
  ...statements.slice(0, at),
  ...more,
  ...statements.slice(at),
];
const changesOne =
  (change: (one: KeptStatement, dice: Dice) => KeptStatement): Trick =>
  (statements, dice) => {
    const chosen = dice.roll(Math.max(1, statements.length));
    return statements.map((one, index) => (index === chosen ? change(one, dice) : one));
  };

const drops: Trick = (statements, dice) => {
  const dropped = dice.roll(Math.max(1, statements.length));
  return statements.filter((_, index) => index !== dropped);
};
const moves: Trick = (statements, dice) => {
  const [first, ...rest] = statements;
  return first === undefined ? [] : insert(rest, dice.roll(statements.length), first);
};
const swapsTheirTimes: Trick = (statements) => {
  const times = statements.map((one) => one.receivedAtMs).toReversed();
  return statements.map((one, index) => ({ ...one, receivedAtMs: times[index] ?? 0 }));
};
const repeats: Trick = (statements, dice) => {
  const at = dice.roll(Math.max(1, statements.length));
  return insert(statements, at, ...statements.slice(at, at + 1));
};
const flipsAByte = changesOne(({ envelope, ...rest }, dice) => {
  if (envelope.format !== 'jws') return { ...rest, envelope };
  const { jws } = envelope;
  const at = dice.roll(jws.length);
  const flipped = String.fromCharCode(jws.charCodeAt(at) ^ 1);
  return { ...rest, envelope: { ...envelope, jws: jws.slice(0, at) + flipped + jws.slice(at + 1) } };
});
const movesInTime = changesOne((one, dice) => ({
  ...one,
  receivedAtMs: dice.pick([
    0,
    START - HOUR,
    one.receivedAtMs - 1,
    one.receivedAtMs + HOUR,
    START + 900 * HOUR,
    Number.NaN,
  ]),
}));
const forges: Trick = (statements, dice) => {
  const receivedAtMs = statements.at(-1)?.receivedAtMs ?? START;
  const victim = dice.pick([LEAD_1, LEAD_2, SECURITY_1, SUBSTITUTE_1]);
  const forged = [
    { envelope: sealed(aStatement('approve', victim), 'person/mallory'), receivedAtMs },
    {
      envelope: { format: 'jws' as const, jws: `${JSON.stringify(aStatement('approve', victim))}.none` },
      receivedAtMs,
    },
    kept(victim, 'approve', {}, receivedAtMs - START, aRequest({ durationMs: 1 })),
    kept('person/mallory', 'approve', {}, receivedAtMs - START),
  ];
  return insert(statements.slice(1), dice.roll(Math.max(1, statements.length)), dice.pick(forged));
};

const STATEMENT_TRICKS: readonly Trick[] = [
  drops,
  moves,
  swapsTheirTimes,
  repeats,
  flipsAByte,
  movesInTime,
  forges,
];

/** Returns a copy in which one text, number or boolean is changed, or one member or element is removed. */
function withOneLeafChanged(value: unknown, dice: Dice): unknown {
  if (typeof value === 'number') return dice.pick([value + 1, value - 1, 0, value * 2]);
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'string') return dice.pick([`${value}x`, value.slice(1), LEAD_1, 'approve', 'permit']);
  if (Array.isArray(value)) {
    const at = dice.roll(value.length + 1);
    if (at === value.length) return value.slice(1);
    return value.map((one, index) => (index === at ? withOneLeafChanged(one, dice) : one));
  }
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value);
  const at = dice.roll(members.length);
  return Object.fromEntries(
    members.map(([name, one], index) => [name, index === at ? withOneLeafChanged(one, dice) : one]),
  );
}
