// Makes JSON Schemas of the OCSF classes that we export from the OCSF schema's own sources.
// Usage: node scripts/ocsf-schema.mjs GIT_DIR_OF_OCSF_SCHEMA COMMIT OUT_DIR
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const [repository, commit, out] = process.argv.slice(2);
const git = (...args) =>
  execFileSync('git', ['-C', repository, ...args], { encoding: 'utf8', maxBuffer: 1 << 28 });
const files = new Set(git('ls-tree', '-r', '--name-only', commit).trim().split('\n'));
const read = (file) => JSON.parse(git('show', `${commit}:${file}`));
const { version } = read('version.json');
const dictionary = read('dictionary.json');
const { attributes: categories } = read('categories.json');
const CLASSES = ['iam/entity_management', 'iam/user_access'];
/** Objects that our events contain. All others are accepted as any object; we send none. */
const OBJECTS = [
  'metadata',
  'product',
  'actor',
  'user',
  'account',
  'managed_entity',
  'resource_details',
  'policy',
  'authorization',
  'group',
  'fingerprint',
];

const byName = new Map();
for (const file of files)
  if (/^(events|objects)\/.*\.json$/.test(file))
    byName.set(`${file.split('/')[0]}/${path.basename(file, '.json')}`, file);

/** Returns a class or an object with everything it extends and includes, without attributes that only a profile adds. */
function resolve(kind, name) {
  const own = read(byName.get(`${kind}/${name}`));
  const base = own.extends === undefined || own.extends === 'object' ? {} : resolve(kind, own.extends);
  const attributes = { ...base.attributes };
  for (const [attribute, about] of Object.entries(own.attributes ?? {})) {
    if (attribute.startsWith('$') || (about.profile !== undefined && about.profile !== null)) continue;
    const before = attributes[attribute] ?? {};
    attributes[attribute] = { ...before, ...about, enum: about.enum && { ...before.enum, ...about.enum } };
    if (attributes[attribute].enum === undefined) attributes[attribute].enum = before.enum;
  }
  return {
    ...base,
    ...own,
    category: own.category ?? base.category,
    attributes,
    constraints: own.constraints ?? base.constraints,
  };
}

function schemaOfType(type, seen) {
  if (type === 'json_t') return {};
  if (type === 'object_t') return { type: 'object' };
  const about = dictionary.types.attributes[type];
  const root = about?.type ?? type;
  if (root === 'string_t')
    return {
      type: 'string',
      ...(about?.regex && { pattern: about.regex }),
      ...(about?.max_len && { maxLength: about.max_len }),
    };
  if (root === 'integer_t' || root === 'long_t')
    return { type: 'integer', ...(about?.range && { minimum: about.range[0], maximum: about.range[1] }) };
  if (root === 'float_t') return { type: 'number' };
  if (root === 'boolean_t') return { type: 'boolean' };
  seen.add(type);
  return OBJECTS.includes(type) ? { $ref: `#/$defs/${type}` } : { type: 'object' };
}

function schemaOfAttribute(name, about, seen) {
  const entry = dictionary.attributes[name];
  if (entry === undefined) throw new Error(`the dictionary has no ${name}`);
  const type = about.type ?? entry.type;
  const values = about.enum ?? entry.enum;
  let schema = schemaOfType(type, seen);
  if (values !== undefined && schema.type === 'integer') schema = { enum: Object.keys(values).map(Number) };
  return (about.is_array ?? entry.is_array) ? { type: 'array', items: schema } : schema;
}

function schemaOf({ attributes, constraints, caption }, seen) {
  const properties = Object.fromEntries(
    Object.entries(attributes).map(([name, about]) => [name, schemaOfAttribute(name, about, seen)]),
  );
  const required = Object.entries(attributes)
    .filter(([, about]) => about.requirement === 'required')
    .map(([name]) => name);
  return {
    title: caption,
    type: 'object',
    properties,
    required,
    additionalProperties: false,
    ...(constraints?.at_least_one && {
      anyOf: constraints.at_least_one.map((name) => ({ required: [name] })),
    }),
    ...(constraints?.just_one && { oneOf: constraints.just_one.map((name) => ({ required: [name] })) }),
  };
}

mkdirSync(out, { recursive: true });
for (const name of CLASSES) {
  const definition = resolve('events', path.basename(name));
  const categoryUid = categories[definition.category].uid;
  const classUid = categoryUid * 1_000 + definition.uid;
  const schema = schemaOf(definition, new Set());
  schema.properties.category_uid = { const: categoryUid };
  schema.properties.class_uid = { const: classUid };
  const activities = schema.properties.activity_id.enum;
  schema.properties.type_uid = { enum: activities.map((id) => classUid * 100 + id) };
  const $defs = Object.fromEntries(
    OBJECTS.map((object) => [object, schemaOf(resolve('objects', object), new Set())]),
  );
  const file = path.join(out, `${path.basename(name)}.schema.json`);
  const text = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $comment: `Made by scripts/ocsf-schema.mjs from ocsf/ocsf-schema ${version} (${commit}), Apache-2.0; without profiles`,
    ...schema,
    $defs,
  };
  writeFileSync(file, `${JSON.stringify(text, null, 1)}\n`);
  process.stdout.write(`${file}: ${definition.caption}, ${classUid}, OCSF ${version}\n`);
}
for (const name of ['LICENSE', 'NOTICE'])
  writeFileSync(path.join(out, name), git('show', `${commit}:${name}`));
