import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { CONNECTOR_DEFINITIONS, findDefinition } from '../../../src/connectors';
import { settingVariable } from '../../../src/connectors/settings';

const SURROUNDINGS = { name: 'any', leaseBook: () => 'postgres://nowhere.invalid/db' };
const url = 'postgres://nowhere.invalid/db';
/** Settings that each kind takes. */
const SETTINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  postgresql: { url },
  'execution-token': { url },
  'ldap-group': { url: 'ldaps://nowhere.invalid', bindDn: 'cn=countersign,dc=example', password: 'x' },
  kubernetes: { kubeconfig: '/nowhere/kubeconfig' },
  mysql: { url: 'mysql://countersign@nowhere.invalid' },
  'ssh-certificate': {},
  'keycloak-group': { url: 'https://nowhere.invalid', realm: 'company', clientId: 'c', clientSecret: 'x' },
  'aws-identity-center': {
    region: 'eu-central-1',
    instance: 'arn:aws:sso:::instance/ssoins-1',
    identityStore: 'd-1',
  },
  'scim-group': { url: 'https://nowhere.invalid/scim/v2', token: 'x' },
  webhook: { url: 'https://nowhere.invalid/', secret: `whsec_${'a'.repeat(43)}=` },
};

describe('what a kind of connector says about itself', () => {
  test('no two kinds have the same name', () => {
    const kinds = CONNECTOR_DEFINITIONS.map(({ kind }) => kind);
    expect(new Set(kinds).size).toBe(kinds.length);
    expect(findDefinition('vault')).toBeUndefined();
  });

  test.each(
    CONNECTOR_DEFINITIONS.map((definition) => [definition.kind, definition] as const),
  )('%s makes a connector from its own settings, and from nothing else', async (_, definition) => {
    const settings = SETTINGS[definition.kind];
    const connector = await definition.make(settings, SURROUNDINGS);
    await connector.close();
    await expect(async () => definition.make({ ...settings, uri: 'x' }, SURROUNDINGS)).rejects.toThrow(/uri/);
    expect(definition.grant.safeParse({}).success).toBe(false);
  });

  test('a command under run is led only to an address of the same kind', () => {
    for (const { environment } of CONNECTOR_DEFINITIONS) {
      if (environment === undefined) continue;
      const address = new URL(environment.example);
      expect(environment.accepts(address)).toBe(true);
      const variables = Object.keys(environment.variables(address, 'someone'));
      expect(
        variables.filter((name) => name !== 'PGSSLMODE').every((name) => environment.replaces.includes(name)),
      ).toBe(true);
      expect(environment.accepts(new URL('https://example.test'))).toBe(false);
    }
  });
});

test('docs/build/connectors.md lists every kind as its definition has it', () => {
  const membersOf = (schema: z.ZodType) => Object.keys(z.toJSONSchema(schema).properties ?? {});
  const list = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ');
  const rows = CONNECTOR_DEFINITIONS.map((one) =>
    [
      `\`${one.kind}\``,
      `${one.gives}: ${one.title}`,
      list(membersOf(one.grant)) || 'any members',
      list(
        Object.keys(one.settings.shape).map((setting) =>
          settingVariable('<NAME>', setting).replace('_NAME_', '<NAME>'),
        ),
      ),
      one.leases,
      one.endsByItself.access ? 'yes' : 'no',
      one.environment === undefined ? '—' : `\`${one.environment.example}\``,
    ].join(' | '),
  );
  const page = readFileSync(path.resolve(__dirname, '../../../docs/build/connectors.md'), 'utf8');
  expect(
    page
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .slice(1),
  ).toEqual(rows.map((row) => `| ${row} |`));
});
