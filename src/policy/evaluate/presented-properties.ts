import type { Presented, PresentedValue } from '../../domain/request';

/** A property of an enforcement point that a policy speaks of, with a value for which the policy may answer differently. */
export interface PresentedProperty {
  readonly of: keyof Presented;
  readonly name: string;
  readonly value: PresentedValue;
}

type Json = Readonly<Record<string, unknown>>;
const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null;
const memberOf = (value: unknown, name: string): unknown => (isJson(value) ? value[name] : undefined);

/**
 * Finds the properties under `context.presented` in a policy, in Cedar's JSON form. One that is compared with a literal has that value,
 * and for a number its neighbours too; any other has `true`.
 */
export function presentedProperties(policy: unknown): readonly PresentedProperty[] {
  const found = new Map<string, PresentedProperty>();
  const add = (property: Pick<PresentedProperty, 'of' | 'name'>, values: readonly PresentedValue[]) => {
    for (const value of values)
      found.set(JSON.stringify([property.of, property.name, value]), { ...property, value });
  };
  const left: unknown[] = [policy];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (!isJson(next)) continue;
    const property = propertyOf(next);
    if (property !== undefined) add(property, [true]);
    for (const member of Object.values(next)) {
      left.push(member);
      for (const [one, other] of [
        ['left', 'right'],
        ['right', 'left'],
      ] as const) {
        const compared = propertyOf(memberOf(member, one));
        const value = memberOf(memberOf(member, other), 'Value');
        if (compared === undefined) continue;
        if (typeof value === 'number') add(compared, [value, value - 1, value + 1]);
        else if (typeof value === 'string' || typeof value === 'boolean') add(compared, [value]);
      }
    }
  }
  return [...found.values()];
}

/** Returns the property if the expression is `context.presented.<of>.<name>`, or asks whether there is one. */
function propertyOf(expression: unknown): Pick<PresentedProperty, 'of' | 'name'> | undefined {
  const asked = memberOf(expression, 'has');
  const read = asked === undefined ? expression : { '.': asked };
  const [of, name] = [attributeOf(leftOf(read)), attributeOf(read)];
  const presented = leftOf(leftOf(read));
  if (attributeOf(presented) !== 'presented' || memberOf(leftOf(presented), 'Var') !== 'context')
    return undefined;
  if ((of !== 'subject' && of !== 'resource' && of !== 'action') || name === undefined) return undefined;
  return { of, name };
}

const leftOf = (expression: unknown): unknown => memberOf(memberOf(expression, '.'), 'left');
function attributeOf(expression: unknown): string | undefined {
  const name = memberOf(memberOf(expression, '.'), 'attr');
  return typeof name === 'string' ? name : undefined;
}

/** Most combinations of values that are made for one policy. */
const MOST_COMBINATIONS = 64;

/** Every combination of the values, up to a limit: each property has one of its values, or is not presented. */
export function combinationsOf(properties: readonly PresentedProperty[]): readonly Presented[] {
  let combinations: readonly (readonly PresentedProperty[])[] = [[]];
  for (const key of new Set(properties.map(({ of, name }) => `${of}.${name}`))) {
    const values = properties.filter(({ of, name }) => `${of}.${name}` === key);
    combinations = combinations
      .flatMap((before) => [...values.map((one) => [...before, one]), before])
      .slice(0, MOST_COMBINATIONS);
  }
  return combinations.map((chosen) => ({
    subject: valuesOf(chosen, 'subject'),
    resource: valuesOf(chosen, 'resource'),
    action: valuesOf(chosen, 'action'),
  }));
}

const valuesOf = (chosen: readonly PresentedProperty[], part: keyof Presented) =>
  Object.fromEntries(chosen.filter(({ of }) => of === part).map(({ name, value }) => [name, value]));
