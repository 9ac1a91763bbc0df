import { z } from 'zod';
import { type Filter, type IsExact, matches, parseFilter } from './filter';
import { invalid, ScimProblem } from './problem';
import { decodeResource, decodeValue, isObject, type Value, type Values } from './resource';
import { type Attribute, attributeNamed, locate, type ResourceKind, type Schema } from './schema';

const MOST_OPERATIONS = 1_000;
const PATH_CHARACTERS = 1_000;

/** Names of operations come in any case: Entra ID sends `Add`, `Replace` and `Remove`. */
const operationSchema = z.object({
  op: z
    .string()
    .transform((op) => op.toLowerCase())
    .pipe(z.enum(['add', 'remove', 'replace'])),
  path: z.string().max(PATH_CHARACTERS).optional(),
  value: z.unknown().optional(),
});
export const patchSchema = z.object({
  Operations: z.array(operationSchema).min(1).max(MOST_OPERATIONS),
});
export type Patch = z.output<typeof patchSchema>;
type Operation = z.output<typeof operationSchema>;

type Mutable = Record<string, Value>;

/** What a path names. */
interface Target {
  readonly extension: Schema | undefined;
  readonly attribute: Attribute;
  /** Which values of an attribute with several. */
  readonly filter: Filter | undefined;
  readonly sub: Attribute | undefined;
}

/**
 * Returns a resource with operations applied (RFC 7644 section 3.5.2): all of them, or none. Operations on attributes that are not kept
 * change nothing.
 *
 * @throws ScimProblem 400 if one of them is not valid
 */
export function patched(kind: ResourceKind, resource: Values, operations: readonly Operation[]): Values {
  const result: Mutable = { ...resource };
  for (const operation of operations) applyOne(kind, result, operation);
  return decodeResource(kind, result);
}

function applyOne(kind: ResourceKind, resource: Mutable, { op, path, value }: Operation): void {
  if (path === undefined || path === '') {
    if (op === 'remove') throw invalid('"remove" needs a path', 'noTarget');
    if (!isObject(value)) throw invalid('without a path, the value must be an object');
    for (const [name, one] of Object.entries(value)) applyOne(kind, resource, { op, path: name, value: one });
    return;
  }
  const extension = kind.extensions.find(({ id }) => id.toLowerCase() === path.toLowerCase());
  if (extension !== undefined) {
    if (op === 'remove') delete resource[extension.id];
    else if (!isObject(value)) throw invalid('the value of an extension must be an object');
    else
      for (const [name, one] of Object.entries(value))
        applyOne(kind, resource, { op, path: `${extension.id}:${name}`, value: one });
    return;
  }
  const target = targetOf(kind, path);
  if (target === undefined) return;
  if (target.extension === undefined) {
    applyTo(resource, target, op, value);
    return;
  }
  const inner = resource[target.extension.id];
  const values: Mutable = isObject(inner) ? { ...inner } : {};
  applyTo(values, target, op, value);
  resource[target.extension.id] = values;
}

/** Reads a path. Returns undefined if it names an attribute that is not kept. */
function targetOf(kind: ResourceKind, path: string): Target | undefined {
  const located = locate(kind, path);
  if (located?.attribute === undefined) {
    if (!/^[$A-Za-z][\w$:.\-[\]" @]*$/.test(path)) throw invalid('the path is not one', 'invalidPath');
    return undefined;
  }
  const { attribute, extension, rest } = located;
  if (attribute.readOnly) throw new ScimProblem(400, `${attribute.name} cannot be changed`, 'mutability');
  const [, bracket, name] = /^(?:\[(.*)\])?(?:\.([$\w-]+))?$/s.exec(rest) ?? ['', undefined, undefined];
  if (rest !== '' && bracket === undefined && name === undefined)
    throw invalid('the path is not one', 'invalidPath');
  if (bracket !== undefined && !attribute.multiValued)
    throw invalid(`${attribute.name} has one value`, 'invalidPath');
  const sub = name === undefined ? undefined : attributeNamed(attribute.sub ?? [], name);
  if (name !== undefined && sub === undefined) return undefined;
  return { extension, attribute, filter: bracket === undefined ? undefined : parseFilter(bracket), sub };
}

function applyTo(values: Mutable, target: Target, op: Operation['op'], given: unknown): void {
  const { attribute } = target;
  const next = attribute.multiValued
    ? several(target, listOf(values[attribute.name]), op, given)
    : single(target, values[attribute.name], op, given);
  if (next === undefined) delete values[attribute.name];
  else values[attribute.name] = next;
}

function single(
  { attribute, sub }: Target,
  before: Value | undefined,
  op: Operation['op'],
  given: unknown,
): Value | undefined {
  if (sub !== undefined) return withMember(isObject(before) ? { ...before } : {}, sub, op, given);
  if (op === 'remove') return undefined;
  const value = decodeValue(attribute, given);
  return attribute.type === 'complex' && isObject(before) && isObject(value)
    ? { ...before, ...value }
    : value;
}

function several(
  { attribute, filter, sub }: Target,
  before: readonly Value[],
  op: Operation['op'],
  given: unknown,
): Value | undefined {
  const isExact: IsExact = (path) => attributeNamed(attribute.sub ?? [], path)?.caseExact === true;
  const isMeant = (one: Value) => filter === undefined || (isObject(one) && matches(filter, one, isExact));
  if (op === 'remove')
    return without({ attribute, sub }, before, isMeant, filter === undefined ? given : undefined);
  if (filter === undefined && sub === undefined) {
    const added = listOf(decodeValue(attribute, given));
    return op === 'replace' ? some(added) : some(joined(before, added));
  }
  // Entra ID sets `emails[type eq "work"].value` before there is such an address: then it is made.
  const all = before.some(isMeant) ? before : [...before, elementOf(filter)];
  return some(
    all.map((one) => {
      if (!isMeant(one) || !isObject(one)) return one;
      if (sub !== undefined) return withMember({ ...one }, sub, op, given);
      const [first] = listOf(decodeValue(attribute, given));
      return op === 'replace' ? (first ?? one) : isObject(first) ? { ...one, ...first } : one;
    }),
  );
}

/** Entra ID removes members by a list of values instead of a filter. */
function without(
  { sub }: Pick<Target, 'attribute' | 'sub'>,
  before: readonly Value[],
  isMeant: (one: Value) => boolean,
  given: unknown,
): Value | undefined {
  if (sub !== undefined)
    return some(
      before.map((one) =>
        isMeant(one) && isObject(one) ? withMember({ ...one }, sub, 'remove', undefined) : one,
      ),
    );
  if (given === undefined || given === null) return some(before.filter((one) => !isMeant(one)));
  const gone = new Set(
    (Array.isArray(given) ? given : [given]).map((one) => (isObject(one) ? one['value'] : one)),
  );
  return some(before.filter((one) => !gone.has(isObject(one) ? one['value'] : one)));
}

function withMember(values: Mutable, sub: Attribute, op: Operation['op'], given: unknown): Values {
  if (sub.readOnly) throw new ScimProblem(400, `${sub.name} cannot be changed`, 'mutability');
  const value = op === 'remove' ? undefined : decodeValue(sub, given);
  if (value === undefined) delete values[sub.name];
  else values[sub.name] = value;
  return values;
}

/** Returns the value that a filter such as `type eq "work"` describes. */
function elementOf(filter: Filter | undefined): Values {
  if (filter === undefined) return {};
  if (filter.is === 'and') return { ...elementOf(filter.left), ...elementOf(filter.right) };
  if (filter.is !== 'compare' || filter.operator !== 'eq' || typeof filter.operand !== 'string')
    throw invalid('no value matches the path', 'noTarget');
  return { [filter.path]: filter.operand };
}

/** Adds values to those that are there. One with the same `value` replaces the other; a new primary one is the only one. */
function joined(before: readonly Value[], added: readonly Value[]): readonly Value[] {
  const keyOf = (one: Value) => (isObject(one) ? one['value'] : one);
  const keys = new Set(added.map(keyOf));
  const isPrimary = added.some((one) => isObject(one) && one['primary'] === true);
  const kept = before
    .filter((one) => !keys.has(keyOf(one)))
    .map((one) => (isPrimary && isObject(one) && one['primary'] === true ? { ...one, primary: false } : one));
  return [...kept, ...added];
}

const listOf = (value: Value | undefined): readonly Value[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

const some = (values: readonly Value[]): Value | undefined => (values.length === 0 ? undefined : values);
