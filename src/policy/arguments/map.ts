import type { CedarValueJson } from '@cedar-policy/cedar-wasm/nodejs';
import { inSentence, isNormal, isUnicode, withMarks } from '../../domain/characters';
import type { ArgumentType, RecordType } from './declared';
import { exactAddress, exactDecimal, exactDuration, exactInstant } from './exact-values';

/** What policy sees of arguments, or why they do not fit their declaration. */
export type MappedArguments =
  | { readonly ok: true; readonly value: Readonly<Record<string, CedarValueJson>> }
  | { readonly ok: false; readonly why: string };

/**
 * Maps the arguments of an action to what policy sees of them, by their declared types and exactly: nothing is rounded, converted,
 * trimmed or left out. What does not fit is not mapped. The message says where and what is expected, and never the value, which may
 * be a secret.
 *
 * @param undeclared `show` leaves arguments that the schema does not declare to the people who approve; they are no part of the result
 */
export function mapArguments(
  declared: RecordType,
  given: Readonly<Record<string, unknown>>,
  undeclared: 'refuse' | 'show',
): MappedArguments {
  try {
    return { ok: true, value: record(declared, given, [], undeclared) };
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    return { ok: false, why: error.message };
  }
}

class Unfit extends Error {
  constructor(path: Path, problem: string) {
    super(`${path.length === 0 ? 'the arguments' : `the argument ${nameOf(path)}`} ${problem}`);
  }
}

type Path = readonly string[];

const SHOWN_CHARACTERS = 64;
/** The member names are the caller's, so they are shown as what they are. */
const nameOf = (path: Path): string => inSentence(withMarks(path.join('.').slice(0, SHOWN_CHARACTERS)));

function record(
  { members }: RecordType,
  given: Readonly<Record<string, unknown>>,
  path: Path,
  undeclared: 'refuse' | 'show',
): Record<string, CedarValueJson> {
  const mapped: Record<string, CedarValueJson> = {};
  for (const [name, { type, isRequired }] of members) {
    if (Object.hasOwn(given, name)) mapped[name] = value(type, given[name], [...path, name], undeclared);
    else if (isRequired) throw new Unfit([...path, name], 'is missing');
  }
  if (undeclared === 'refuse')
    for (const name of Object.keys(given))
      if (!members.has(name)) throw new Unfit([...path, name], 'is not declared for this action');
  return mapped;
}

function value(
  type: ArgumentType,
  given: unknown,
  path: Path,
  undeclared: 'refuse' | 'show',
): CedarValueJson {
  const unfit = (what: string) => new Unfit(path, `is not ${what}`);
  switch (type.kind) {
    case 'Record':
      if (typeof given !== 'object' || given === null || Array.isArray(given)) throw unfit('an object');
      return record(type, { ...given }, path, undeclared);
    case 'Set':
      return set(type.element, given, path, undeclared);
    case 'Bool':
      if (typeof given !== 'boolean') throw unfit('true or false');
      return given;
    case 'Long':
      // A larger number stands for several whole numbers, of which another reader may read another.
      if (!Number.isSafeInteger(given)) throw unfit('a whole number between -(2^53-1) and 2^53-1');
      return Number(given) + 0;
    case 'String':
      if (typeof given !== 'string') throw unfit('a text');
      if (!isUnicode(given)) throw unfit('Unicode: it has half of a character');
      // Two texts that differ in their normalization only read the same, and a target may take them for the same.
      if (!isNormal(given)) throw unfit('in Unicode normalization form C (NFC)');
      return given;
    case 'decimal':
      if (typeof given !== 'number' && typeof given !== 'string') throw unfit('a decimal number');
      return extension('decimal', exactDecimal(given), unfit);
    case 'ipaddr':
      return extension('ip', exactAddress(textOf(given)), unfit);
    case 'datetime':
      return extension('datetime', exactInstant(textOf(given)), unfit);
    case 'duration':
      return extension('duration', exactDuration(textOf(given)), unfit);
  }
}

const textOf = (given: unknown): string => (typeof given === 'string' ? given : '');

function extension(
  fn: string,
  exact: ReturnType<typeof exactDecimal>,
  unfit: (what: string) => Unfit,
): CedarValueJson {
  if (!exact.ok) throw unfit(exact.expected);
  return { __extn: { fn, arg: exact.text } };
}

function set(
  element: ArgumentType,
  given: unknown,
  path: Path,
  undeclared: 'refuse' | 'show',
): CedarValueJson {
  if (!Array.isArray(given)) throw new Unfit(path, 'is not a list');
  const mapped = given.map((one: unknown, index) =>
    value(element, one, [...path, String(index)], undeclared),
  );
  // A set has each of its elements once. A list with one of them twice may do something twice.
  if (new Set(mapped.map((one) => JSON.stringify(one))).size < mapped.length)
    throw new Unfit(path, 'has an element twice');
  return mapped;
}
