import { invalid } from './problem';
import {
  type Attribute,
  attributeNamed,
  COMMON,
  MOST_VALUES,
  type ResourceKind,
  type Schema,
  TEXT_CHARACTERS,
} from './schema';

export type Value = string | boolean | Values | readonly Value[];
/** A resource, or a part of one, with attributes as their schema writes them. */
export interface Values {
  readonly [name: string]: Value;
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Decodes a resource that somebody sent. Attributes that are not kept are left out, and so are those that only the gateway sets: an
 * identity provider sends what its mapping says, and that must not stop it from saying that somebody left.
 *
 * @throws ScimProblem 400 if a value is not one of its attribute, or is over a limit
 */
export function decodeResource(kind: ResourceKind, sent: Readonly<Record<string, unknown>>): Values {
  const extensions = kind.extensions.flatMap((schema) => {
    const given = memberNamed(sent, schema.id);
    const values = isObject(given) ? decodeMembers(schema.attributes, given, schema.name) : {};
    return Object.keys(values).length === 0 ? [] : [[schema.id, values] as const];
  });
  const values = decodeMembers([...COMMON, ...kind.core.attributes], sent, kind.kind);
  for (const { name, required } of kind.core.attributes)
    if (required && values[name] === undefined) throw invalid(`${name} is missing`);
  return { ...values, ...Object.fromEntries(extensions) };
}

/** Returns the schemas that a resource has values of. */
export const schemasOf = (kind: ResourceKind, values: Values): readonly Schema[] => [
  kind.core,
  ...kind.extensions.filter(({ id }) => values[id] !== undefined),
];

function decodeMembers(
  attributes: readonly Attribute[],
  sent: Readonly<Record<string, unknown>>,
  where: string,
): Values {
  const values: Record<string, Value> = {};
  for (const [name, given] of Object.entries(sent)) {
    const attribute = attributeNamed(attributes, name);
    if (attribute === undefined || attribute.readOnly) continue;
    const value = decodeValue(attribute, given, `${where}.${attribute.name}`);
    if (value !== undefined) values[attribute.name] = value;
  }
  return values;
}

/**
 * Decodes the value of one attribute. Returns undefined for one that is unassigned (RFC 7643 section 2.5).
 *
 * @throws ScimProblem 400 if it is not a value of this attribute, or is over a limit
 */
export function decodeValue(attribute: Attribute, given: unknown, where = attribute.name): Value | undefined {
  if (given === null || given === undefined) return undefined;
  if (!attribute.multiValued) return decodeOne(attribute, unwrapped(attribute, given), where);
  const all = Array.isArray(given) ? given : [given];
  const { most = MOST_VALUES } = attribute;
  if (all.length > most) throw invalid(`${where} has more than ${most} values`, 'tooMany');
  const values = all.flatMap((one) => decodeOne(attribute, one, where) ?? []);
  if (values.filter((one) => isObject(one) && one['primary'] === true).length > 1)
    throw invalid(`${where} has more than one primary value`);
  return values.length === 0 ? undefined : values;
}

/** Entra ID sends some single values in a list, or as an object with a `value`. */
function unwrapped({ type }: Attribute, given: unknown): unknown {
  const one = Array.isArray(given) && given.length === 1 ? given[0] : given;
  return type !== 'complex' && isObject(one) && 'value' in one ? one['value'] : one;
}

function decodeOne(attribute: Attribute, given: unknown, where: string): Value | undefined {
  const { type, sub = [], most = TEXT_CHARACTERS } = attribute;
  if (given === null || given === '') return undefined;
  switch (type) {
    case 'boolean':
      return readBoolean(given, where);
    case 'string':
    case 'reference': {
      const text = typeof given === 'number' ? String(given) : given;
      if (typeof text !== 'string') throw invalid(`${where} must be a string`);
      if (text.includes('\0')) throw invalid(`${where} has a character that no text has`);
      if (text.length > (attribute.multiValued ? TEXT_CHARACTERS : most))
        throw invalid(`${where} has more than ${most} characters`);
      return text;
    }
    case 'complex': {
      const object = typeof given === 'string' ? { value: given } : given;
      if (!isObject(object)) throw invalid(`${where} must be an object`);
      const values = decodeMembers(sub, object, where);
      return Object.keys(values).length === 0 ? undefined : values;
    }
  }
}

/** Entra ID sends "True" and "False". What is neither is refused: to read it as true would keep somebody who left. */
function readBoolean(given: unknown, where: string): boolean {
  const small = typeof given === 'string' ? given.toLowerCase() : given;
  if (small === true || small === 'true') return true;
  if (small === false || small === 'false') return false;
  throw invalid(`${where} must be true or false`);
}

export function memberNamed(object: Readonly<Record<string, unknown>>, name: string): unknown {
  const small = name.toLowerCase();
  return Object.entries(object).find(([key]) => key.toLowerCase() === small)?.[1];
}
