import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';

/** A longer word is no slip of the finger, and many names take long to compare. */
const LONGEST_CHARACTERS = 64;
const MOST_NAMES = 2_000;

/** Returns the known name that a misspelt one most likely stands for, or undefined if none is near. */
function nearest(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0 || known.length > MOST_NAMES || word.length > LONGEST_CHARACTERS) return undefined;
  const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');
  const same = known.find((name) => plain(name) === plain(word) && plain(word) !== '');
  if (same !== undefined) return same;
  const best = closest(word, known);
  return distance(word, best) <= Math.max(1, Math.floor(word.length / 3)) ? best : undefined;
}

/** Returns the end of a message about an unknown name: `; did you mean "…"?`, or nothing if no known name is near. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const one = nearest(word, [...known]);
  return one === undefined ? '' : `; did you mean "${one}"?`;
}

type Node = z.core.JSONSchema._JSONSchema;

/** Returns the keys that a schema knows at a place of what it reads. Only looked up when something is wrong. */
export function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let nodes: readonly Node[] = [z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })];
  for (const step of path) nodes = nodes.flatMap(variantsOf).flatMap((node) => stepInto(node, step));
  const keys = nodes
    .flatMap(variantsOf)
    .flatMap((node) => (typeof node === 'boolean' ? [] : Object.keys(node.properties ?? {})));
  return [...new Set(keys)];
}

const variantsOf = (node: Node): readonly Node[] =>
  typeof node === 'boolean'
    ? []
    : [node, ...[node.anyOf, node.oneOf, node.allOf].flatMap((some) => (some ?? []).flatMap(variantsOf))];

function stepInto(node: Node, step: PropertyKey): readonly Node[] {
  if (typeof node === 'boolean') return [];
  if (typeof step === 'number') return node.items === undefined ? [] : [node.items].flat();
  const own = node.properties?.[String(step)] ?? node.additionalProperties;
  return own === undefined ? [] : [own];
}
