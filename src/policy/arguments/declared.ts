import type { SchemaJson, Type } from '@cedar-policy/cedar-wasm/nodejs';

/** Types of arguments that hold one value. */
const PLAIN_TYPES = ['Bool', 'Long', 'String', 'decimal', 'ipaddr', 'datetime', 'duration'] as const;
export type PlainType = (typeof PLAIN_TYPES)[number];

/** The type that a bundle's Cedar schema declares for an argument. */
export type ArgumentType =
  | { readonly kind: PlainType }
  | { readonly kind: 'Set'; readonly element: ArgumentType }
  | RecordType;

/** A record of named arguments. All the arguments of an action are one. */
export interface RecordType {
  readonly kind: 'Record';
  readonly members: ReadonlyMap<string, { readonly type: ArgumentType; readonly isRequired: boolean }>;
}

/** The arguments that the actions of a schema declare. */
export interface DeclaredArguments {
  /** By action. An action that declares none is absent, and policy does not see its arguments. */
  readonly byAction: ReadonlyMap<string, RecordType>;
  /** What is wrong with declarations, in words that end a sentence about the schema. */
  readonly problems: readonly string[];
}

/** Levels of records and sets in one declaration. */
const MOST_LEVELS = 16;

/** Members that Cedar's JSON gives another meaning: a record with one of them would be read as something else. */
const RESERVED = ['__entity', '__extn', '__expr', '__proto__'];

/** Reads from a Cedar schema, in its JSON form, which arguments its actions declare in `context.arguments`. */
export function declaredArguments(schema: SchemaJson<string>): DeclaredArguments {
  const byAction = new Map<string, RecordType>();
  const problems: string[] = [];
  for (const { actions, commonTypes = {} } of Object.values(schema))
    for (const [action, { appliesTo }] of Object.entries(actions)) {
      const said = membersOf(appliesTo?.context, commonTypes)?.['arguments'];
      if (said === undefined) continue;
      try {
        const type = typeOf(said, commonTypes, 'arguments', 0);
        if (type.kind === 'Record') byAction.set(action, type);
        else problems.push(`the context of ${action} declares arguments that are no record; make it one`);
      } catch (error) {
        if (!(error instanceof NotDeclarable)) throw error;
        problems.push(`the context of ${action} declares ${error.message}`);
      }
    }
  return { byAction, problems };
}

class NotDeclarable extends Error {}

type CommonTypes = Readonly<Record<string, Type<string>>>;

/** Follows names of common types to what they stand for. Cedar refuses names that lead in a circle. */
function resolved(type: Type<string> | undefined, common: CommonTypes): Type<string> | undefined {
  let current = type;
  for (let steps = 0; steps < MOST_LEVELS && current !== undefined; steps += 1) {
    const name = 'name' in current && current.type === 'EntityOrCommon' ? current.name : current.type;
    if (!Object.hasOwn(common, name)) return current;
    current = common[name];
  }
  return current;
}

function membersOf(type: Type<string> | undefined, common: CommonTypes) {
  const record = resolved(type, common);
  return record !== undefined && 'attributes' in record ? record.attributes : undefined;
}

function typeOf(said: Type<string>, common: CommonTypes, at: string, level: number): ArgumentType {
  if (level > MOST_LEVELS)
    throw new NotDeclarable(`${at} more than ${MOST_LEVELS} levels deep; make it flatter`);
  const type = resolved(said, common) ?? said;
  if ('element' in type) return { kind: 'Set', element: typeOf(type.element, common, `${at}[]`, level + 1) };
  if ('attributes' in type) {
    const members = Object.entries(type.attributes).map(([name, member]) => {
      if (RESERVED.includes(name))
        throw new NotDeclarable(`${at}.${name}, a name that Cedar keeps for itself`);
      const memberType = typeOf(member, common, `${at}.${name}`, level + 1);
      return [name, { type: memberType, isRequired: member.required !== false }] as const;
    });
    return { kind: 'Record', members: new Map(members) };
  }
  const name = ('name' in type ? type.name : type.type).replace(/^__cedar::/, '');
  const kind = PLAIN_TYPES.find((one) => one === (name === 'Boolean' ? 'Bool' : name));
  if (kind !== undefined) return { kind };
  throw new NotDeclarable(
    `${at} as ${name}, which no JSON can be; use records, Set and ${PLAIN_TYPES.join(', ')}`,
  );
}
