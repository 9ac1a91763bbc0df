import { parseStrictJson } from '../gateway/http/strict-json';
import type { ArgumentType, RecordType } from '../policy/arguments/declared';

/** One field of a form for an argument that the bundle's schema declares. */
export interface ArgumentField {
  readonly name: string;
  readonly label: string;
  readonly type: ArgumentType;
  readonly isRequired: boolean;
}

type Path = readonly string[];
type Form = Readonly<Record<string, unknown>>;
type Given =
  | { readonly ok: true; readonly value: Record<string, unknown> }
  | { readonly ok: false; readonly why: string };

/** The field for what the schema does not declare, as JSON. */
export const FURTHER = 'arguments';

/** Names may have dots of their own, so a path is not joined by them. */
const nameOf = (path: Path): string => `arg ${JSON.stringify(path)}`;

/** Returns the fields for declared arguments. A record inside is a group of fields. */
export function argumentFields(
  { members }: RecordType,
  above: Path = [],
  isNeeded = true,
): readonly ArgumentField[] {
  return [...members].flatMap(([member, { type, isRequired }]) => {
    const path = [...above, member];
    const needed = isNeeded && isRequired;
    if (type.kind === 'Record') return argumentFields(type, path, needed);
    return [{ name: nameOf(path), label: path.join(' › '), type, isRequired: needed }];
  });
}

/** Returns true if the elements of a set are written one a line. Others are written as JSON. */
export const isList = (type: ArgumentType): boolean =>
  type.kind === 'Set' && type.element.kind !== 'Set' && type.element.kind !== 'Record';

/**
 * Reads the arguments that a form has: each field by its declared type, and what is not declared from JSON. What does not fit its
 * type is left as it was typed, so that policy says what is wrong with it.
 */
export function argumentsFrom(declared: RecordType | undefined, form: Form): Given {
  try {
    const further = jsonIn(form, FURTHER, '{}');
    if (typeof further !== 'object' || further === null || Array.isArray(further))
      return { ok: false, why: 'the further arguments are a JSON object, such as {"table": "payments"}' };
    const typed = declared === undefined ? {} : (recordIn(declared, form, []) ?? {});
    const twice = Object.keys(typed).find((name) => Object.hasOwn(further, name));
    if (twice !== undefined) return { ok: false, why: `the argument ${twice} is there twice` };
    return { ok: true, value: { ...further, ...typed } };
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    return { ok: false, why: error.message };
  }
}

class NotJson extends Error {}

function recordIn({ members }: RecordType, form: Form, above: Path): Record<string, unknown> | undefined {
  const value: Record<string, unknown> = {};
  for (const [member, { type, isRequired }] of members) {
    const given = valueIn(type, form, [...above, member], isRequired);
    if (given !== undefined) value[member] = given;
  }
  return Object.keys(value).length === 0 ? undefined : value;
}

function valueIn(type: ArgumentType, form: Form, path: Path, isRequired: boolean): unknown {
  if (type.kind === 'Record') return recordIn(type, form, path);
  const text = textIn(form, nameOf(path));
  if (type.kind === 'String') return text === '' && !isRequired ? undefined : text;
  if (text.trim() === '') return type.kind === 'Set' && isRequired ? [] : undefined;
  if (type.kind !== 'Set') return plain(type, text.trim());
  if (!isList(type)) return jsonIn(form, nameOf(path), '[]');
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  return lines.map((line) => (type.element.kind === 'String' ? line : plain(type.element, line.trim())));
}

/** A number stays a text if a number could not say exactly the same. */
function plain({ kind }: ArgumentType, text: string): unknown {
  if (kind === 'Bool' && (text === 'true' || text === 'false')) return text === 'true';
  if ((kind === 'Long' || kind === 'decimal') && String(Number(text)) === text) return Number(text);
  return text;
}

function jsonIn(form: Form, name: string, none: string): unknown {
  const text = textIn(form, name).trim();
  const parsed = parseStrictJson(text === '' ? none : text);
  if (parsed.ok) return parsed.value;
  throw new NotJson(`what is typed as JSON cannot be read: ${parsed.message.replace('the body', 'it')}`);
}

function textIn(form: Form, name: string): string {
  const text = form[name];
  return typeof text === 'string' ? text : '';
}
