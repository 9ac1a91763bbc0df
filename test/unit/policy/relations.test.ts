import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AccessRequest } from '../../../src/domain/request';
import { RequestMapping } from '../../../src/gateway/pdp/mapping';
import { Names } from '../../../src/gateway/pdp/names';
import { explore, FileTicketSource, type LoadedBundle, loadBundle } from '../../../src/policy';
import { Catalog } from '../../../src/policy/load/catalog';
import { catalogSchema } from '../../../src/policy/load/catalog-file';
import { sampleRequest } from '../../support/keyring';

/* Resources that are made at run time, and relations between them and people: who owns a list may change it. */

const SCHEMA: readonly (readonly [string, string])[] = [
  [
    'entity Person in [Group, Role] = { kind: String, temporary: Bool };',
    'entity Person in [Group, Role] = { kind: String, temporary: Bool, attributes?: { email?: String } };',
  ],
  ['owners: Group };', 'owners: Group, properties?: { region?: String } };'],
  ['resource: { status?: String }', 'resource: { status?: String, ownerID?: String }'],
];
const POLICY = `
@id("owners-write-their-lists")
@path("policy-alone")
permit (principal is Person, action == Action::"write", resource)
when {
  resource has properties && resource.properties has region && resource.properties.region == "eu" &&
  principal has attributes && principal.attributes has email &&
  context has presented && context.presented.resource has ownerID &&
  context.presented.resource.ownerID == principal.attributes.email
};
`;
const CATALOG = `
  record:list-*:
    title: Lists that people make
    owners: admins
    properties: { region: eu }
    actions:
      write: { title: Change, grant: { role: writer } }
  record:list-secret-*:
    title: Lists that nobody changes
    owners: admins
    actions:
      read: { title: Read, grant: { role: reader } }
`;

let dir: string;
let bundle: LoadedBundle;

beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'countersign-relations-'));
  cpSync(path.resolve(__dirname, '../../fixtures/authzen-certification'), dir, { recursive: true });
  const edit = (name: string, change: (text: string) => string) => {
    const file = path.join(dir, name);
    writeFileSync(file, change(readFileSync(file, 'utf8')));
  };
  edit('schema.cedarschema', (text) => SCHEMA.reduce((before, [from, to]) => before.replace(from, to), text));
  edit('records.cedar', (text) => `${text}${POLICY}`);
  edit('catalog.yaml', (text) => `${text}${CATALOG}`);
  edit('directory.yaml', (text) =>
    text.replace('{ record: bob } }', '{ record: bob }, attributes: { email: bob@example.com } }'),
  );
  const loaded = await loadBundle(dir, new FileTicketSource(undefined));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  bundle = loaded.bundle;
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const asking = (more: Partial<AccessRequest> = {}): AccessRequest =>
  sampleRequest({
    requester: 'service/harness',
    beneficiary: 'person/bob',
    onBehalfOf: [],
    entitlement: { connector: 'record', resource: 'list-7', action: 'write' },
    submittedAtMs: Date.now(),
    ...more,
  });
const owned = (ownerID: string) => ({ subject: {}, resource: { ownerID }, action: {} });
const outcome = (request: AccessRequest) => bundle.policy.assess(request, Date.now());

describe('GAT-2, TTA-3 who owns it may change it', () => {
  it('by an attribute of the person, a property of the resource, and what was presented of it', () => {
    expect(outcome(asking({ presented: owned('bob@example.com') })).outcome).toBe('permit');
    expect(outcome(asking({ presented: owned('alice@example.com') })).outcome).toBe('refuse');
    expect(outcome(asking()).outcome).toBe('refuse');
    expect(
      outcome(asking({ beneficiary: 'person/alice', presented: owned('') })).determiningPolicies,
    ).not.toContain('owners-write-their-lists');
  });

  it('and the assessment has on record what policy saw', () => {
    const presented = owned('bob@example.com');
    expect(outcome(asking({ presented })).facts).toMatchObject({ presented });
    expect(outcome(asking()).facts).not.toHaveProperty('presented');
  });

  it('policy check sees that the policy can decide', () => {
    expect(explore(bundle.context, bundle.identities, Date.now()).problems).toEqual([]);
  });
});

describe('APB-2 a pattern in the catalog', () => {
  const entry = (resource: string, action: string) =>
    bundle.context.catalog.entry({ connector: 'record', resource, action })?.title;

  it.each([
    ['list-7', 'write', 'Change'],
    ['list-7', 'read', undefined],
    ['list-secret-1', 'read', 'Read'],
    // What is said of fewer is not widened by what is said of more.
    ['list-secret-1', 'write', undefined],
    ['record-1', 'write', 'Write'],
    ['list-', 'write', undefined],
    ['list-*', 'write', undefined],
    ['list-a#b', 'write', undefined],
    ['list-\u200b', 'write', undefined],
    [`list-${'x'.repeat(129)}`, 'write', undefined],
    ['other', 'write', undefined],
  ])('%j, %s is %s', (resource, action, expected) => {
    expect(entry(resource, action)).toBe(expected);
  });
});

test('APB-2 a resource that the catalog names has only what is said of it, whatever a pattern says of its like', () => {
  const said = (action: string) => ({
    ...{ title: 'x', owners: 'dba' },
    actions: { [action]: { title: action, grant: { role: action } } },
  });
  const catalog = new Catalog(
    catalogSchema.parse({
      connectors: { c: { kind: 'postgresql', title: 'x' } },
      resources: { 'c:list-secret': said('read'), 'c:list-*': said('write') },
    }),
  );
  const has = (resource: string, action: string) =>
    catalog.entry({ connector: 'c', resource, action }) !== undefined;
  expect([has('list-7', 'write'), has('list-secret', 'read')]).toEqual([true, true]);
  expect(has('list-secret', 'write')).toBe(false);
});

describe('TTA-1 properties that a caller presents', () => {
  const mapping = new RequestMapping(
    new Names({ subjects: [], resources: [] }),
    new Set(['service/harness']),
  );
  const read = (caller: string, properties: Record<string, unknown>) =>
    mapping.asRequest(
      bundle.context,
      { principal: caller, onBehalfOf: [] },
      {
        subject: { type: 'user', id: 'bob' },
        action: { name: 'write' },
        resource: { type: 'record', id: 'list-7', properties },
      },
      Date.now(),
    ).request?.presented;

  it('count only from an enforcement point, and only those that a policy speaks of, as plain values', () => {
    expect(read('service/harness', { ownerID: 'bob@example.com', secret: 'x' })).toEqual(
      owned('bob@example.com'),
    );
    expect(read('person/bob', { ownerID: 'bob@example.com' })).toBeUndefined();
    const odd = {
      ownerID: { __entity: { type: 'Person', id: 'person/bob' } },
      status: 'x'.repeat(513),
      __proto__: 1,
    };
    expect(read('service/harness', odd)).toEqual({ subject: {}, resource: {}, action: {} });
  });
});
