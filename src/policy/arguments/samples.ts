import type { ArgumentType, RecordType } from './declared';
import { mapArguments } from './map';
import type { ArgumentUse } from './read-by-policy';

type Arguments = Readonly<Record<string, unknown>>;

/** Most arguments that are made for one action, once one argument at a time and once combined. */
const MOST_SAMPLES = 64;

/** What an ordinary argument of a type looks like. */
const ORDINARY = {
  Bool: false,
  Long: 1,
  String: 'what-if',
  decimal: '1.0',
  ipaddr: '192.0.2.1',
  datetime: '2030-01-02T03:04:05Z',
  duration: '1m',
} as const;

/**
 * Makes arguments for which policies may answer differently: each with one of the values that a policy compares it with, or
 * beside one of them, first one argument at a time and then combined, up to a limit. The first sample is an ordinary one.
 */
export function sampleArguments(declared: RecordType, uses: readonly ArgumentUse[]): readonly Arguments[] {
  const ordinary = ordinaryRecord(declared);
  const choices = choicesIn(declared, [], uses);
  const single = choices.flatMap(({ path, values }) =>
    values.map((value) => withValue(ordinary, path, value)),
  );
  let combined: readonly Arguments[] = [ordinary];
  for (const { path, values } of choices) {
    if (combined.length * (values.length + 1) > MOST_SAMPLES) continue;
    combined = combined.flatMap((sample) => [
      sample,
      ...values.map((value) => withValue(sample, path, value)),
    ]);
  }
  const found = [ordinary, ...single.slice(0, MOST_SAMPLES), ...combined].filter(
    (sample) => mapArguments(declared, sample, 'refuse').ok,
  );
  return [...new Map(found.map((sample) => [JSON.stringify(sample), sample])).values()];
}

interface Choice {
  readonly path: readonly string[];
  /** Undefined leaves the argument out. */
  readonly values: readonly unknown[];
}

function choicesIn({ members }: RecordType, path: readonly string[], uses: readonly ArgumentUse[]): Choice[] {
  return [...members].flatMap(([name, { type, isRequired }]) => {
    const at = [...path, name];
    const values = [...(isRequired ? [] : [undefined]), ...valuesOf(type, literalsAt(at, uses))];
    const inside = type.kind === 'Record' ? choicesIn(type, at, uses) : [];
    return [...(values.length === 0 ? [] : [{ path: at, values }]), ...inside];
  });
}

/** Literals that some policy compares this argument with. */
const literalsAt = (path: readonly string[], uses: readonly ArgumentUse[]): ArgumentUse['literals'] =>
  uses.filter((use) => use.path.join('\n') === path.join('\n')).flatMap(({ literals }) => literals);

const TEN_THOUSANDTH = 0.0001;

function valuesOf(type: ArgumentType, literals: ArgumentUse['literals']): readonly unknown[] {
  const texts = literals.filter((one) => typeof one === 'string');
  switch (type.kind) {
    case 'Bool':
      return [true];
    case 'Long':
      return literals.filter((one) => typeof one === 'number').flatMap((one) => [one, one - 1, one + 1]);
    case 'String':
      return texts;
    case 'duration':
      return texts;
    case 'decimal':
      return texts.flatMap((text) =>
        [0, TEN_THOUSANDTH, -TEN_THOUSANDTH].map((step) => (Number(text) + step).toFixed(4)),
      );
    case 'ipaddr':
      return texts.map((text) => text.replace(/\/\d+$/, ''));
    case 'datetime':
      return texts.flatMap((text) => {
        const ms = Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
        return Number.isNaN(ms) ? [] : [0, 1, -1].map((step) => new Date(ms + step).toISOString());
      });
    case 'Set': {
      const elements = valuesOf(type.element, literals);
      return [...elements.map((one) => [one]), elements, [ordinaryOf(type.element)]];
    }
    case 'Record':
      return [];
  }
}

function ordinaryOf(type: ArgumentType): unknown {
  switch (type.kind) {
    case 'Record':
      return ordinaryRecord(type);
    case 'Set':
      return [];
    default:
      return ORDINARY[type.kind];
  }
}

/** Arguments that are not required are left out. */
const ordinaryRecord = ({ members }: RecordType): Arguments =>
  Object.fromEntries(
    [...members].flatMap(([name, { type, isRequired }]) => (isRequired ? [[name, ordinaryOf(type)]] : [])),
  );

function withValue(sample: Arguments, [name = '', ...rest]: readonly string[], value: unknown): Arguments {
  const { [name]: before, ...others } = sample;
  if (rest.length === 0) return value === undefined ? others : { ...others, [name]: value };
  const inside = typeof before === 'object' && before !== null && !Array.isArray(before) ? { ...before } : {};
  return { ...others, [name]: withValue(inside, rest, value) };
}
