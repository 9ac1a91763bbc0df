/** An argument that a policy looks at, with the literals that it compares it with. */
export interface ArgumentUse {
  /** Names that lead to it, such as ["to", "account"]. Empty if the policy looks at the arguments as a whole. */
  readonly path: readonly string[];
  readonly literals: readonly (string | number | boolean)[];
}

type Json = Readonly<Record<string, unknown>>;
const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const memberOf = (value: unknown, name: string): unknown =>
  isJson(value) && Object.hasOwn(value, name) ? value[name] : undefined;

/** Operators that only join conditions. What stands on their two sides has nothing to do with each other. */
const JOINING = ['&&', '||', '!', 'if-then-else'];

/** Finds the arguments that a policy in Cedar's JSON form looks at. */
export function argumentsReadBy(policy: unknown): readonly ArgumentUse[] {
  const found = new Map<string, { path: readonly string[]; literals: Set<string | number | boolean> }>();
  const conditions = memberOf(policy, 'conditions');
  for (const condition of Array.isArray(conditions) ? conditions : [])
    for (const one of comparisonsIn(memberOf(condition, 'body'))) {
      const literals = [...literalsIn(one)];
      for (const path of pathsIn(one)) {
        const key = JSON.stringify(path);
        const use = found.get(key) ?? { path, literals: new Set() };
        for (const literal of literals) use.literals.add(literal);
        found.set(key, use);
      }
    }
  return [...found.values()].map(({ path, literals }) => ({ path, literals: [...literals] }));
}

/** Splits a condition into the comparisons that it joins. */
function* comparisonsIn(expression: unknown): Generator<unknown> {
  const joined = JOINING.map((operator) => memberOf(expression, operator)).find(isJson);
  if (joined === undefined) yield expression;
  else for (const part of Object.values(joined)) yield* comparisonsIn(part);
}

/** Finds the longest paths below `context.arguments`. */
function* pathsIn(expression: unknown): Generator<readonly string[]> {
  const path = pathOf(expression);
  if (path !== undefined) yield path;
  else if (typeof expression === 'object' && expression !== null)
    for (const part of Object.values(expression)) yield* pathsIn(part);
}

function pathOf(expression: unknown): readonly string[] | undefined {
  const access = memberOf(expression, '.') ?? memberOf(expression, 'has');
  const names = [memberOf(access, 'attr')].flat();
  const left = memberOf(access, 'left');
  if (!names.every((name) => typeof name === 'string')) return undefined;
  if (memberOf(left, 'Var') === 'context') return names[0] === 'arguments' ? names.slice(1) : undefined;
  const before = pathOf(left);
  return before && [...before, ...names];
}

/** Returns the shortest text that matches a pattern. Cedar gives a pattern's characters one by one. */
const textMatching = (pattern: readonly unknown[]): string =>
  pattern.map((one) => memberOf(one, 'Literal') ?? '').join('');

function* literalsIn(expression: unknown): Generator<string | number | boolean> {
  if (typeof expression !== 'object' || expression === null) return;
  const value = memberOf(expression, 'Value');
  const pattern = memberOf(memberOf(expression, 'like'), 'pattern');
  if (Array.isArray(pattern)) yield textMatching(pattern);
  else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') yield value;
  else if (isJson(memberOf(expression, 'neg')))
    for (const literal of literalsIn(memberOf(expression, 'neg')))
      yield typeof literal === 'number' ? -literal : literal;
  else for (const part of Object.values(expression)) yield* literalsIn(part);
}
