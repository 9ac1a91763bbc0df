import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { ANNOTATIONS } from '../../policy/load/policy-rule';
import { EXAMPLE_BUNDLE_DIR } from '../../project';
import { ANNOTATION_EXAMPLES } from './annotation-examples';
import { jsonSchemaOf, schemaFileName, WRITTEN_FILES, type WrittenFile } from './file-schemas';

/** A part of a JSON Schema, with the members that the reference shows. */
const node = z.object({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  const: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  pattern: z.string().optional(),
  required: z.array(z.string()).default([]),
  properties: z.record(z.string(), z.unknown()).default({}),
  additionalProperties: z.unknown().optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).default([]),
  oneOf: z.array(z.unknown()).default([]),
  allOf: z.array(z.unknown()).default([]),
});
type Node = z.output<typeof node>;

/** One line of the reference: a key, and what it is. */
export interface KeyRow {
  /** The keys that lead there: `people.<name>.keys[].jwk`. */
  readonly key: string;
  readonly type: string;
  readonly need: string;
  readonly meaning: string;
}

/** Returns a row for each key that a file can have, in the order of its schema. */
export function rowsOf(file: WrittenFile): readonly KeyRow[] {
  return [...rowsBelow(node.parse(jsonSchemaOf(file)), '')];
}

function* rowsBelow(parent: Node, at: string): Generator<KeyRow> {
  const seen = new Set<string>();
  for (const [form, one] of variantsOf(parent).entries()) {
    for (const [name, raw] of Object.entries(one.properties)) {
      const child = node.parse(raw);
      const key = at === '' ? name : `${at}.${name}`;
      const isThere = seen.has(name);
      seen.add(name);
      if (!isThere)
        yield {
          key,
          type: typeOf(child),
          need: needOf(child, one.required.includes(name), form > 0),
          meaning: child.description ?? '',
        };
      if (!isThere || typeOf(child) === 'map') yield* rowsBelow(child, key);
    }
    const more = one.additionalProperties;
    if (typeof more === 'object' && more !== null)
      yield* rowsBelow(node.parse(more), `${at}.<name>`.replace(/^\./, ''));
    if (one.items !== undefined) yield* rowsBelow(node.parse(one.items), `${at}[]`);
  }
}

const variantsOf = (one: Node): readonly Node[] => [
  one,
  ...[...one.anyOf, ...one.oneOf, ...one.allOf].map((raw) => node.parse(raw)).flatMap(variantsOf),
];

function typeOf(one: Node): string {
  if (one.const !== undefined) return JSON.stringify(one.const);
  if (one.enum !== undefined) return one.enum.map(String).join(', ');
  if (one.pattern?.includes('(?:ms|[dhms])')) return 'duration';
  const some = variantsOf(one).slice(1);
  if (some.length > 0) return [...new Set(some.map(typeOf))].join(' or ');
  if (one.type === 'object') return 'map';
  if (one.type === 'array') return 'list';
  if (one.pattern?.startsWith('^\\d{4}-')) return 'date or time';
  return one.type === undefined ? 'any' : [one.type].flat().join(' or ');
}

/** A key of one of several forms is only needed in that form. */
function needOf(one: Node, isRequired: boolean, isOneForm: boolean): string {
  if (one.default !== undefined && !isEmpty(one.default)) return `default ${JSON.stringify(one.default)}`;
  if (!isRequired) return '';
  return isOneForm ? 'in one form' : '**needed**';
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

const cell = (text: string): string => text.replaceAll('|', '\\|');
const code = (text: string): string => `\`${text}\``;

const tableOf = (file: WrittenFile): readonly string[] => [
  '| key | type | | what it says |',
  '|---|---|---|---|',
  ...rowsOf(file).map(
    ({ key, type, need, meaning }) =>
      `| ${cell(code(key))} | ${cell(type)} | ${cell(need)} | ${cell(meaning)} |`,
  ),
];

/** Returns the reference of a bundle's files as a page: `docs/govern/bundle.md`. */
export function bundleReference(): string {
  const files = WRITTEN_FILES.flatMap((file) => [
    `## ${file.file}`,
    '',
    `${file.title}. Schema: [${schemaFileName(file.name)}](../schemas/${schemaFileName(file.name)}).`,
    '',
    ...(rowsOf(file).length === 0 ? ['A list of texts.'] : tableOf(file)),
    '',
  ]);
  return [
    '# Reference of the files that you write',
    '',
    'This page is a reference: every key of every file, and every annotation of a policy. `node scripts/schemas.mjs` writes it from the',
    'schemas that read the files, and a test keeps it complete. To begin a bundle of your own, run `countersign init`',
    '([Begin with a bundle of your own](init.md)).',
    '',
    'A **bundle** is a folder with `directory.yaml`, `catalog.yaml`, `paths.yaml`, `schema.cedarschema`, policies in `*.cedar`, and cases in `tests/*.yaml`.',
    'It is checked as a whole: one mistake refuses all of it, and the last good one stays in force. `<name>` stands for a name that you choose, `[]` for each',
    'entry of a list. A duration reads `30s`, `15m`, `1h30m` or `2d`. A key that is not listed here is refused.',
    '',
    'A bundle can also travel as one signed file ([Pack and sign a bundle](pack.md)).',
    '',
    'To have an editor complete and check a file, begin it with `# yaml-language-server: $schema=schemas/catalog.schema.json`, or the path where you keep',
    'the schema; the package exports them as `countersign/schemas/*`.',
    '',
    ...files,
    '## Policies: *.cedar',
    '',
    'Policies are [Cedar](https://docs.cedarpolicy.com). A request passes if a `permit` matches and no `forbid` does. Where several permits match, the strictest of',
    'each term counts. Annotations say on which terms. Others than these are refused.',
    '',
    ...(['permit', 'forbid'] as const).flatMap((effect) => [
      `### Annotations of a ${effect}`,
      '',
      ...Object.entries(ANNOTATIONS[effect]).flatMap(([name, schema]) => [
        `**\`@${name}\`**${z.object({ one: schema }).safeParse({}).success ? '' : ' (needed)'}: ${schema.description ?? ''}.`,
        '',
        '```cedar',
        Object.entries(ANNOTATION_EXAMPLES[effect]).find(([example]) => example === name)?.[1] ?? '',
        '```',
        '',
      ]),
    ]),
    '### What policies see: schema.cedarschema',
    '',
    'A bundle declares its own actions, and may leave out what its policies do not use. The types `Person`, `Workload`, `Group`, `Role` and `Resource` and the members',
    'of the context have these names. This is the schema of the example bundle:',
    '',
    '```cedarschema',
    readFileSync(path.join(EXAMPLE_BUNDLE_DIR, 'schema.cedarschema'), 'utf8').trimEnd(),
    '```',
    '',
  ].join('\n');
}
