import type { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contracts/names';

/** The numbers of Temporal's enum `IndexedValueType`. Nothing else here needs the package that defines it. */
const VALUE_TYPES = { KEYWORD: 2, BOOL: 5, DATETIME: 6, KEYWORD_LIST: 7 } as const;
/** The same types, as Temporal's command line names them. */
const TYPE_NAMES = {
  KEYWORD: 'Keyword',
  BOOL: 'Bool',
  DATETIME: 'Datetime',
  KEYWORD_LIST: 'KeywordList',
} as const;

const WANTED = Object.entries(SEARCH_ATTRIBUTES);

type Operated = Pick<Connection, 'operatorService'>;

/** What a namespace lacks of our search attributes. */
export interface Lacking {
  readonly missing: readonly string[];
  /** Registered by somebody with another type, which only an operator can change. */
  readonly otherType: readonly string[];
}

/** Asks which search attributes a namespace lacks. Rejects if the server does not tell. */
export async function lackingSearchAttributes(
  { operatorService }: Operated,
  namespace: string,
): Promise<Lacking> {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const known = new Map(Object.entries(customAttributes ?? {}));
  return {
    missing: WANTED.flatMap(([name]) => (known.has(name) ? [] : name)),
    otherType: WANTED.flatMap(([name, type]) =>
      known.has(name) && known.get(name) !== VALUE_TYPES[type] ? name : [],
    ),
  };
}

/** Registers the search attributes that a namespace lacks, and returns what it lacked. Repeating it changes nothing. */
export async function registerSearchAttributes(connection: Operated, namespace: string): Promise<Lacking> {
  const lacking = await lackingSearchAttributes(connection, namespace);
  if (lacking.missing.length === 0) return lacking;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(
      WANTED.flatMap(([name, type]) => (lacking.missing.includes(name) ? [[name, VALUE_TYPES[type]]] : [])),
    ),
  });
  return lacking;
}

/** The commands of Temporal's own command line that register all of them. */
export const searchAttributeCommands = (namespace: string): readonly string[] =>
  WANTED.map(
    ([name, type]) =>
      `temporal operator search-attribute create --namespace ${namespace} --name ${name} --type ${TYPE_NAMES[type]}`,
  );

/** Says what a namespace lacks and what to do about it. Undefined if it lacks nothing. */
export function sayLacking({ missing, otherType }: Lacking): string | undefined {
  const parts = [
    missing.length === 0
      ? []
      : `the search attributes ${missing.join(', ')} are missing; register them (countersign setup temporal)`,
    otherType.length === 0
      ? []
      : `the search attributes ${otherType.join(', ')} are registered with another type than ours; remove them on the server, then register them (countersign setup temporal)`,
  ].flat();
  return parts.length === 0 ? undefined : parts.join('; ');
}
