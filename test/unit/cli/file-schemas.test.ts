import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import Ajv from 'ajv';
import { parse } from 'yaml';
import { ANNOTATION_EXAMPLES } from '../../../src/cli/schemas/annotation-examples';
import { jsonSchemaOf, schemaFileName, WRITTEN_FILES } from '../../../src/cli/schemas/file-schemas';
import { bundleReference, rowsOf } from '../../../src/cli/schemas/reference';
import { bundleOf, FileTicketSource, readBundleFiles } from '../../../src/policy';
import { ANNOTATION_NAMES } from '../../../src/policy/load/policy-rule';

const ROOT = path.join(__dirname, '../../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const published = (name: string) => JSON.parse(read(`docs/schemas/${schemaFileName(name)}`));

/** Compiles a published schema with a validator that is not ours. */
const validatorOf = (name: string) =>
  new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(published(name));

describe('DIR-5 the schemas of the files that people write are published', () => {
  test.each(WRITTEN_FILES)('$file: docs/schemas has what the program reads (scripts/schemas.mjs)', (file) => {
    expect(published(file.name)).toEqual(JSON.parse(JSON.stringify(jsonSchemaOf(file))));
  });

  test('the reference is made from them (scripts/schemas.mjs)', () => {
    expect(read('docs/govern/bundle.md')).toBe(bundleReference());
  });

  test.each(
    WRITTEN_FILES.filter(({ ofBundle }) => ofBundle),
  )('$file: each key that somebody writes by hand has its meaning in the reference', (file) => {
    // Pins are written by a command, and mean what MCP says.
    const bare = rowsOf(file).filter(({ meaning }) => meaning === '' && file.name !== 'pins');
    expect(bare.map(({ key }) => key)).toEqual([]);
  });

  const bundles = ['policies', 'examples/mcp-gate/bundle', 'examples/targets/bundle'];
  const files = bundles.flatMap((dir) => [
    ...['directory', 'catalog', 'paths'].map((name) => [name, `${dir}/${name}.yaml`] as const),
    ...readdirSync(path.join(ROOT, dir, 'tests')).map((name) => ['tests', `${dir}/tests/${name}`] as const),
  ]);
  test.each([
    ...files,
    ['pins', 'examples/mcp-gate/bundle/pins.yaml'] as const,
  ])('a foreign validator accepts %s: %s', (name, file) => {
    const validate = validatorOf(name);
    expect([validate(parse(read(file))), validate.errors]).toEqual([true, null]);
  });

  test('and refuses a misspelt key, a duration that is none and a missing limit', () => {
    const validate = validatorOf('paths');
    const good = parse(read('policies/paths.yaml'));
    const broken = (change: (stage: Record<string, unknown>) => void) => {
      const copy = structuredClone(good);
      change(copy.paths['production-write'].stages[0]);
      return validate(copy);
    };
    expect(broken(() => undefined)).toBe(true);
    expect(broken((stage) => Object.assign(stage, { quorums: 2 }))).toBe(false);
    expect(broken((stage) => Object.assign(stage, { expireAfter: 'soon' }))).toBe(false);
    expect(broken((stage) => delete stage['quorum'])).toBe(false);
  });
});

/** Loads the example bundle with one file more or another in its place. */
async function exampleWith(name: string, change: (text: string) => string) {
  const files = await readBundleFiles(path.join(ROOT, 'policies'));
  if (!files.ok) throw new Error('the example bundle cannot be read');
  const text = change(files.value.get(name) ?? '');
  return bundleOf(new Map([...files.value, [name, text]]), new FileTicketSource(undefined));
}

const AT = Date.parse('2026-11-21T12:00Z');
const request = (requester: string, action: string, members: object = {}) => ({
  id: 'an-example-request',
  kind: 'access' as const,
  requester,
  beneficiary: requester,
  entitlement: {
    connector: 'warehouse',
    resource: action === 'read' ? 'reporting' : 'payments',
    action,
  },
  durationMs: 1_200_000,
  emergency: false,
  reason: 'an example',
  onBehalfOf: [],
  submittedAtMs: AT,
  ...members,
});

const outage = { emergency: true, emergencyCondition: 'production-outage' };
/** What is asked, and what of the answer shows that the annotation of the example does what it says. */
const EXPECTED: {
  readonly [Effect in keyof typeof ANNOTATION_EXAMPLES]: Readonly<
    Record<keyof (typeof ANNOTATION_EXAMPLES)[Effect], readonly [ReturnType<typeof request>, object]>
  >;
} = {
  permit: {
    id: [request('person/ravi', 'read'), { determiningPolicies: expect.arrayContaining(['ravi-reads']) }],
    title: [request('person/ravi', 'read'), { determiningPolicies: expect.arrayContaining(['ravi-reads']) }],
    path: [request('person/ravi', 'write'), { outcome: 'approve', path: { stages: [{ name: 'owner' }] } }],
    emergency: [
      request('person/ravi', 'write', outage),
      { outcome: 'approve', determiningPolicies: ['storefront-restores'] },
    ],
    max_duration: [request('person/ravi', 'write'), { maxDurationMs: 5_400_000 }],
    review_within: [request('person/ravi', 'write'), { reviewWithinMs: 172_800_000 }],
    confirm: [request('agent/atlas', 'write'), { confirmation: { by: ['person/helen'] } }],
  },
  forbid: {
    id: [request('person/ravi', 'read'), { outcome: 'refuse', determiningPolicies: ['ravi-does-not-read'] }],
    title: [request('person/ravi', 'read'), { outcome: 'refuse' }],
    hard_stop: [
      request('person/ravi', 'read'),
      { outcome: 'hard_stop', determiningPolicies: ['ravi-never-reads'] },
    ],
    safe_way: [request('person/ravi', 'read'), { outcome: 'refuse', safeWay: 'Ask Lena for the figures.' }],
  },
};

describe('DIR-5 each annotation has an example that is run', () => {
  const examples = (['permit', 'forbid'] as const).flatMap((effect) =>
    Object.entries(ANNOTATION_EXAMPLES[effect]).map(([name, policy]) => ({ effect, name, policy })),
  );

  test('for every annotation there is', () => {
    for (const effect of ['permit', 'forbid'] as const)
      expect(Object.keys(ANNOTATION_EXAMPLES[effect])).toEqual(ANNOTATION_NAMES[effect]);
  });

  test.each(examples)('@$name of a $effect', async ({ effect, name, policy }) => {
    expect(policy).toContain(`@${name}(`);
    const loaded = await exampleWith('example.cedar', () => policy);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const [asked, expected] = Object.entries(EXPECTED[effect]).find(([one]) => one === name)?.[1] ?? [];
    if (asked === undefined) throw new Error(`no expectation for @${name}`);
    expect(loaded.bundle.policy.assess(asked, AT)).toMatchObject(expected ?? {});
  });
});

describe('DIR-5 a message names file, line and the nearest right word', () => {
  test.each([
    ['catalog.yaml', 'owners: dba', 'ownres: dba', '"ownres" is not known here', 'owners'],
    ['paths.yaml', 'quorum: 1', 'quorums: 1', '"quorums" is not known here', 'quorum'],
    [
      'paths.yaml',
      'remindAfter: 15m',
      'remind_after: 15m',
      '"remind_after" is not known here',
      'remindAfter',
    ],
    ['paths.yaml', 'assurance: key', 'assurance: keys', 'must be one of', 'key'],
    ['paths.yaml', 'approvers: [dba]', 'approvers: [dbas]', 'has no group dbas', 'dba'],
    ['directory.yaml', 'people:', 'poeple:', '"poeple" is not known here', 'people'],
    ['catalog.yaml', 'kind: postgresql', 'kind: postgres', 'no kind of connector postgres', 'postgresql'],
    [
      'access.cedar',
      '@max_duration("4h")',
      '@max_duraton("4h")',
      '@max_duraton is not an annotation',
      'max_duration',
    ],
    [
      'access.cedar',
      '@path("production-write")',
      '@path("production-wirte")',
      'has no path production-wirte',
      'production-write',
    ],
    [
      'guard.cedar',
      '@hard_stop("AGENT_ADMIN")',
      '@hardstop("AGENT_ADMIN")',
      '@hardstop is not an annotation',
      'hard_stop',
    ],
  ])('%s: %s → %s', async (file, right, wrong, said, nearest) => {
    let line = 0;
    const loaded = await exampleWith(file, (text) => {
      line = text.slice(0, text.indexOf(right)).split('\n').length;
      return text.replace(right, wrong);
    });
    if (loaded.ok) throw new Error('the mistake was not found');
    const problem = loaded.problems.find(({ message }) => message.includes(said));
    expect(problem).toMatchObject({ file, message: expect.stringContaining(`did you mean "${nearest}"?`) });
    // A policy's reference to another file is reported where the policy begins.
    if (!said.startsWith('has no path')) expect(problem?.line).toBe(line);
  });
});
