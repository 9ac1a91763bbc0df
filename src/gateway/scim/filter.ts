import { z } from 'zod';
import { ScimProblem } from './problem';
import { isObject, memberNamed } from './resource';

/** What a filter may cost, whatever it says. Nothing in it becomes a regular expression. */
const FILTER_LIMITS = { characters: 1_000, comparisons: 24, depth: 8 } as const;

const OPERATORS = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const;
type Operator = (typeof OPERATORS)[number];
const operandSchema = z.union([z.string(), z.number(), z.boolean(), z.null()]);
type Operand = z.output<typeof operandSchema>;

export type Filter =
  | { readonly is: 'and' | 'or'; readonly left: Filter; readonly right: Filter }
  | { readonly is: 'not'; readonly inner: Filter }
  | { readonly is: 'present'; readonly path: string }
  | { readonly is: 'element'; readonly path: string; readonly inner: Filter }
  | { readonly is: 'compare'; readonly path: string; readonly operator: Operator; readonly operand: Operand };

const TOKEN = /\s*(?:([()[\]])|("(?:[^"\\]|\\.)*")|([^\s()[\]"]+))/y;

/**
 * Parses a filter (RFC 7644 section 3.4.2.2).
 *
 * @throws ScimProblem 400 `invalidFilter` if it is not one, or is over a limit
 */
export function parseFilter(text: string): Filter {
  if (text.length > FILTER_LIMITS.characters)
    throw wrong(`the filter has more than ${FILTER_LIMITS.characters} characters`);
  const parser = new Parser(tokensOf(text));
  const filter = parser.any(0);
  if (!parser.isAtEnd) throw wrong('the filter goes on where it should end');
  return filter;
}

const wrong = (detail: string) => new ScimProblem(400, detail, 'invalidFilter');

function tokensOf(text: string): readonly string[] {
  const tokens: string[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const [, bracket, quoted, word] = TOKEN.exec(text) ?? [];
    const token = bracket ?? quoted ?? word;
    if (token === undefined) throw wrong('the filter has a string without an end');
    tokens.push(token);
  }
  return tokens;
}

class Parser {
  #at = 0;
  #comparisons = 0;

  constructor(private readonly tokens: readonly string[]) {}

  get isAtEnd(): boolean {
    return this.#at === this.tokens.length;
  }

  any(depth: number): Filter {
    let left = this.#all(depth);
    while (this.#takeWord('or')) left = { is: 'or', left, right: this.#all(depth) };
    return left;
  }

  #all(depth: number): Filter {
    let left = this.#one(depth);
    while (this.#takeWord('and')) left = { is: 'and', left, right: this.#one(depth) };
    return left;
  }

  #one(depth: number): Filter {
    if (depth > FILTER_LIMITS.depth)
      throw wrong(`the filter is nested more than ${FILTER_LIMITS.depth} deep`);
    const isNot = this.#takeWord('not');
    if (this.#take('(')) {
      const inner = this.any(depth + 1);
      this.#need(')');
      return isNot ? { is: 'not', inner } : inner;
    }
    if (isNot) throw wrong('"not" needs parentheses');
    this.#comparisons += 1;
    if (this.#comparisons > FILTER_LIMITS.comparisons)
      throw wrong(`the filter has more than ${FILTER_LIMITS.comparisons} comparisons`);
    const path = this.#next();
    if (!/^[$A-Za-z][\w$:.-]*$/.test(path)) throw wrong('the filter lacks the name of an attribute');
    if (this.#take('[')) {
      const inner = this.any(depth + 1);
      this.#need(']');
      return { is: 'element', path, inner };
    }
    const word = this.#next().toLowerCase();
    if (word === 'pr') return { is: 'present', path };
    const operator = OPERATORS.find((one) => one === word);
    if (operator === undefined) throw wrong('the filter has an unknown operator');
    return { is: 'compare', path, operator, operand: operandOf(this.#next()) };
  }

  #take(token: string): boolean {
    if (this.tokens[this.#at] !== token) return false;
    this.#at += 1;
    return true;
  }

  #takeWord(word: string): boolean {
    if (this.tokens[this.#at]?.toLowerCase() !== word) return false;
    this.#at += 1;
    return true;
  }

  #need(token: string): void {
    if (!this.#take(token)) throw wrong(`the filter lacks a ${token}`);
  }

  #next(): string {
    const token = this.tokens[this.#at];
    if (token === undefined) throw wrong('the filter ends too early');
    this.#at += 1;
    return token;
  }
}

function operandOf(token: string): Operand {
  const operand = operandSchema.safeParse(
    jsonIn(/^(true|false)$/i.test(token) ? token.toLowerCase() : token),
  );
  if (!operand.success) throw wrong('the filter compares with something that is not a value');
  return operand.data;
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Says of an attribute whether `A` and `a` differ in it. */
export type IsExact = (path: string) => boolean;

/** Returns true if the values match. It takes time in proportion to the size of the values and the filter. */
export function matches(filter: Filter, values: object, isExact: IsExact): boolean {
  switch (filter.is) {
    case 'and':
      return matches(filter.left, values, isExact) && matches(filter.right, values, isExact);
    case 'or':
      return matches(filter.left, values, isExact) || matches(filter.right, values, isExact);
    case 'not':
      return !matches(filter.inner, values, isExact);
    case 'present':
      return valuesAt(values, filter.path).length > 0;
    case 'element':
      return valuesAt(values, filter.path).some(
        (one) => isObject(one) && matches(filter.inner, one, (sub) => isExact(`${filter.path}.${sub}`)),
      );
    case 'compare': {
      const { path, operator, operand } = filter;
      const found = valuesAt(values, path).map((one) => (isObject(one) ? one['value'] : one));
      if (operand === null) return (operator === 'eq') === (found.length === 0);
      if (operator === 'ne') return !found.some((one) => compared(one, 'eq', operand, isExact(path)));
      return found.some((one) => compared(one, operator, operand, isExact(path)));
    }
  }
}

function compared(
  found: unknown,
  operator: Exclude<Operator, 'ne'>,
  operand: string | number | boolean,
  exact: boolean,
): boolean {
  if (typeof found === 'boolean') return operator === 'eq' && String(found) === String(operand).toLowerCase();
  if (typeof found !== 'string') return false;
  const [a, b] = exact ? [found, String(operand)] : [found.toLowerCase(), String(operand).toLowerCase()];
  switch (operator) {
    case 'eq':
      return a === b;
    case 'co':
      return a.includes(b);
    case 'sw':
      return a.startsWith(b);
    case 'ew':
      return a.endsWith(b);
    case 'gt':
      return a > b;
    case 'ge':
      return a >= b;
    case 'lt':
      return a < b;
    case 'le':
      return a <= b;
  }
}

/** Returns the values at a path. One that begins with the name of an extension goes into it; that of the core schema is left away. */
function valuesAt(values: object, path: string): readonly unknown[] {
  let at: object = values;
  let rest = path;
  const small = path.toLowerCase();
  if (small.startsWith('urn:')) {
    const schema = Object.keys(values).find((key) => small.startsWith(`${key.toLowerCase()}:`));
    const [core = ''] = /^urn:ietf:params:scim:schemas:core:2\.0:\w+:/i.exec(path) ?? [];
    rest = path.slice(schema === undefined ? core.length : schema.length + 1);
    const extension = schema === undefined ? values : memberNamed({ ...values }, schema);
    if (!isObject(extension)) return [];
    at = extension;
  }
  let found: readonly unknown[] = [at];
  for (const step of rest.split('.'))
    found = found.flatMap((one) => (isObject(one) ? (memberNamed(one, step) ?? []) : []));
  return found;
}

/** Returns what a filter demands exactly, so that the database can look it up. Undefined if it demands nothing of this attribute. */
export function demanded(filter: Filter, path: string): string | undefined {
  if (filter.is === 'and') return demanded(filter.left, path) ?? demanded(filter.right, path);
  if (filter.is !== 'compare' || filter.operator !== 'eq' || typeof filter.operand !== 'string')
    return undefined;
  return filter.path.toLowerCase() === path.toLowerCase() ? filter.operand : undefined;
}
