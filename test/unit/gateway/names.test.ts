import { gatewayConfigSchema } from '../../../src/gateway/config';
import { Names } from '../../../src/gateway/pdp/names';
import { namesSchema } from '../../../src/gateway/pdp/names-config';
import { Keyring } from '../../support/keyring';

/* What enforcement points call principals and resources, and what they come to stand for. */

const MESH = 'auth:agent:agentmesh:';
const RULES = {
  subjects: [
    { type: 'ai_agent', id: `${MESH}Deploy@Bot`, principal: 'bot/deployer' },
    { type: 'ai_agent', prefix: MESH, kind: 'agent' },
    { type: 'user', claim: 'email', attribute: 'email' },
  ],
  resources: [
    {
      type: 'mcp_tool',
      id: 'Refund Payment',
      connector: 'warehouse',
      resource: 'payments',
      actions: { call: 'write' },
    },
    { type: 'mcp_tool', prefix: 'doc:', connector: 'docs' },
  ],
};

class Book extends Keyring {
  override holderOf(attribute: string, value: string): string | undefined {
    return attribute === 'email' && value === 'mira@example.com' ? 'person/mira' : undefined;
  }
}
const book = new Book();
const names = new Names(namesSchema.parse(RULES));
const principal = (type: string, id: string, properties?: Record<string, unknown>) =>
  names.principalOf(book, { type, id, properties });

describe('GAT-1, TTA-3 a subject of an enforcement point', () => {
  it.each([
    ['ai_agent', `${MESH}Deploy@Bot`, 'bot/deployer'],
    ['ai_agent', `${MESH}atlas`, 'agent/atlas'],
    // A name of ours begins with a small letter or a digit. One that begins otherwise needs an exact rule.
    ['ai_agent', `${MESH}Atlas`, undefined],
    ['ai_agent', `${MESH}a@B`, 'agent/a_40_42'],
    ['ai_agent', 'auth:agent:elsewhere:atlas', undefined],
    ['ai_agent', MESH, undefined],
    ['ai_agent', `${MESH}${'a'.repeat(64)}`, undefined],
    ['ai_agent', `${MESH}../person/mira`, undefined],
    ['agent', 'atlas', 'agent/atlas'],
    ['agent', 'atlas\u0000', undefined],
    ['user', 'mira', 'person/mira'],
  ])('%s %j is %s', (type, id, expected) => {
    expect(principal(type, id)).toBe(expected);
  });

  it('is found by a property where a rule says so, and by its id otherwise', () => {
    expect(principal('user', 'x', { email: 'mira@example.com' })).toBe('person/mira');
    // A value that is nobody's does not fall back to the id, which could be somebody's.
    expect(principal('user', 'mira', { email: 'MIRA@example.com' })).toBeUndefined();
    expect(principal('user', 'mira', { email: ['mira@example.com'] })).toBeUndefined();
  });

  it('no two become one, whatever their characters', () => {
    const ids = [
      'a',
      'a_',
      'a_5f',
      'aA',
      'a_41',
      'a@',
      'a:',
      'a ',
      'aé',
      'ae\u0301',
      'a\u200b',
      'a/b',
      'a.b',
      'a-b',
    ];
    const found = ids.map((id) => principal('ai_agent', `${MESH}${id}`)).filter((one) => one !== undefined);
    expect(new Set(found).size).toBe(found.length);
    expect(found).toHaveLength(ids.length);
    // And each is called again what it was called.
    for (const [index, one] of found.entries())
      expect(names.subjectOf(one, 'ai_agent')).toEqual({ type: 'ai_agent', id: `${MESH}${ids[index]}` });
    expect(names.subjectOf('bot/deployer', 'ai_agent')).toEqual({
      type: 'ai_agent',
      id: `${MESH}Deploy@Bot`,
    });
    expect(names.subjectOf('person/mira', 'ai_agent')).toBeUndefined();
  });

  it('a principal with an exact name has no other of that type', () => {
    const exact = new Names(
      namesSchema.parse({
        subjects: [
          { type: 'ai_agent', id: 'the one', principal: 'agent/atlas' },
          { type: 'ai_agent', prefix: MESH, kind: 'agent' },
        ],
      }),
    );
    expect(exact.principalOf(book, { type: 'ai_agent', id: 'the one' })).toBe('agent/atlas');
    expect(exact.principalOf(book, { type: 'ai_agent', id: `${MESH}atlas` })).toBeUndefined();
  });
});

describe('GAT-1 a resource of an enforcement point', () => {
  it.each([
    ['mcp_tool', 'Refund Payment', 'call', 'warehouse:payments#write'],
    ['mcp_tool', 'Refund Payment', 'read', 'warehouse:payments#read'],
    ['mcp_tool', 'Refund Payment', '__proto__', 'warehouse:payments#__proto__'],
    ['mcp_tool', 'doc:Plan 7', 'read', 'docs:Plan_207#read'],
    ['mcp_tool', 'doc:a_b', 'read', 'docs:a_5fb#read'],
    ['mcp_tool', 'elsewhere', 'read', 'mcp_tool:elsewhere#read'],
    ['warehouse', 'payments', 'write', 'warehouse:payments#write'],
  ])('%s %j, %s is %s', (type, id, name, expected) => {
    const { connector, resource, action } = names.entitlementOf({ type, id }, { name });
    expect(`${connector}:${resource}#${action}`).toBe(expected);
    const again = names.resourceOf({ connector, resource, action }, type);
    expect(again).toBe(id);
  });
});

test('GAT-1 a resource with an exact name has no other of that type', () => {
  const exact = new Names(
    namesSchema.parse({
      resources: [
        { type: 'mcp_tool', id: 'the one', connector: 'docs', resource: 'plan' },
        { type: 'mcp_tool', prefix: 'doc:', connector: 'docs' },
      ],
    }),
  );
  const resourceOf = (id: string) => exact.entitlementOf({ type: 'mcp_tool', id }, { name: 'read' }).resource;
  expect(['the one', 'doc:other', 'doc:plan'].map(resourceOf)).toEqual(['plan', 'other', '']);
});

describe('names in gateway.yaml', () => {
  const load = (subjects: unknown, resources: unknown = []) =>
    gatewayConfigSchema.safeParse({ names: { subjects, resources } });
  const exact = { type: 'ai_agent', id: 'a', principal: 'agent/a' };
  const wide = { type: 'ai_agent', prefix: 'x:', kind: 'agent' };

  it.each([
    ['one name twice', [exact, { ...exact, principal: 'agent/b' }]],
    ['two names for one principal', [exact, { ...exact, id: 'b' }]],
    ['two prefixes for one kind', [wide, { ...wide, prefix: 'y:' }]],
    ['a prefix that begins like another', [wide, { ...wide, prefix: 'x:y', kind: 'bot' }]],
    ['names of our own', [{ ...exact, type: 'agent' }]],
    [
      'two claims',
      [
        { type: 'user', claim: 'a', attribute: 'a' },
        { type: 'user', claim: 'b', attribute: 'b' },
      ],
    ],
    ['no principal', [{ ...exact, principal: 'Agent/A' }]],
  ])('%s is refused', (_name, subjects) => {
    expect(load([exact, wide]).success).toBe(true);
    expect(load(subjects).success).toBe(false);
  });

  it('two names for one resource are refused', () => {
    const one = { type: 't', id: 'a', connector: 'c', resource: 'r' };
    expect(load([], [one, { ...one, id: 'b', resource: 's' }]).success).toBe(true);
    expect(load([], [one, { ...one, id: 'b' }]).success).toBe(false);
  });
});
