/** One change in a JSON value: its kind, its place, and the changed JSON. */
export interface Change {
  readonly kind: 'changed' | 'removed' | 'added' | 'reordered' | 'doubled';
  /** The path to the changed value, with indices. */
  readonly path: string;
  readonly value: unknown;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Yields every single change: each value changed, each member and element removed, added and doubled, each pair swapped. */
export function* changesOf(value: Json, path = ''): Generator<Change> {
  if (Array.isArray(value)) {
    yield* changesOfList(value, path);
  } else if (typeof value === 'object' && value !== null) {
    yield* changesOfObject(value as { readonly [name: string]: Json }, path);
  } else {
    yield { kind: 'changed', path, value: otherThan(value as null | boolean | number | string) };
  }
}

function* changesOfList(list: readonly Json[], path: string): Generator<Change> {
  for (const [at, element] of list.entries()) {
    const where = `${path}[${at}]`;
    const replaced = (one: unknown) => list.map((other, index) => (index === at ? one : other));
    for (const change of changesOf(element, where)) yield { ...change, value: replaced(change.value) };
    yield { kind: 'removed', path: where, value: list.filter((_, index) => index !== at) };
    yield { kind: 'doubled', path: where, value: [...list.slice(0, at + 1), ...list.slice(at)] };
    const next = list[at + 1];
    if (next === undefined || JSON.stringify(next) === JSON.stringify(element)) continue;
    const swapped = list.map((other, index) => (index === at ? next : index === at + 1 ? element : other));
    yield { kind: 'reordered', path: where, value: swapped };
  }
  if (list.length === 0) yield { kind: 'added', path: `${path}[0]`, value: ['added'] };
}

function* changesOfObject(object: { readonly [name: string]: Json }, path: string): Generator<Change> {
  for (const [name, member] of Object.entries(object)) {
    const where = path === '' ? name : `${path}.${name}`;
    for (const change of changesOf(member, where))
      yield { ...change, value: { ...object, [name]: change.value } };
    const { [name]: _removed, ...rest } = object;
    yield { kind: 'removed', path: where, value: rest };
  }
  yield {
    kind: 'added',
    path: path === '' ? 'added' : `${path}.added`,
    value: { ...object, added: 'added' },
  };
}

/** Returns another value of the same type. In a text it changes one character, so that the form mostly stays valid. */
function otherThan(value: null | boolean | number | string): Json {
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'number') return value + 1;
  if (value === null) return 'null';
  if (value === '') return 'x';
  const at = Math.floor(value.length / 2);
  const replacement = /[0-8a-y]/.test(value[at] ?? '')
    ? String.fromCharCode(value.charCodeAt(at) + 1)
    : value[at] === 'A'
      ? 'B'
      : 'A';
  return value.slice(0, at) + replacement + value.slice(at + 1);
}

const texts = new WeakMap<object, string>();

/**
 * RFC 8785 canonical JSON, independent of the product's code. It caches the text of shared
 * pieces, so that thousands of changes of one piece can be compared in seconds.
 */
export function canonicalTextOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const known = texts.get(value);
  if (known !== undefined) return known;
  const parts: string[] = [];
  if (Array.isArray(value)) {
    for (const element of value) parts.push(canonicalTextOf(element));
  } else {
    const members = value as Readonly<Record<string, unknown>>;
    for (const name of Object.keys(members).sort())
      parts.push(`${JSON.stringify(name)}:${canonicalTextOf(members[name])}`);
  }
  const text = Array.isArray(value) ? `[${parts.join(',')}]` : `{${parts.join(',')}}`;
  texts.set(value, text);
  return text;
}
