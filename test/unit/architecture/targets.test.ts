import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { CONNECTOR_DEFINITIONS } from '../../../src/connectors';
import { FileTicketSource, loadBundle } from '../../../src/policy';

const ROOT = path.resolve(__dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
const PAGE = read('docs/targets/README.md');
/** Kinds that give access for a while. */
const KINDS = CONNECTOR_DEFINITIONS.filter(({ gives }) => gives === 'access').map(({ kind }) => kind);
const FOLDERS = [
  'src/connectors/kit',
  'test/support/targets',
  'test/targets',
  'test/integration/connectors',
] as const;

const rowsAfter = (heading: string): readonly (readonly string[])[] => {
  const [, rest = ''] = PAGE.split(heading);
  const [table = ''] = /(?:^\|.*\|\n)+/m.exec(rest) ?? [];
  const cells = table
    .trim()
    .split('\n')
    .map((line) => line.split('|').slice(1, -1));
  return cells.map((row) => row.map((cell) => cell.trim()));
};

describe('TGT-1 TGT-2 docs/targets/README.md says what the tests show', () => {
  const [head = [], , ...promises] = rowsAfter('## What each kind promises');

  test('every kind has a page, a column, the contract on its real target, and a life by command line', () => {
    const listed = rowsAfter('# Targets').map(([kind = '']) => kind.replaceAll('`', ''));
    expect(CONNECTOR_DEFINITIONS.map(({ kind }) => kind).filter((kind) => !listed.includes(kind))).toEqual(
      [],
    );
    const groups = ['ldap-group', 'keycloak-group', 'scim-group', 'aws-identity-center'];
    const columns = head.slice(1, -1).flatMap((one) => (one === 'groups' ? groups : one.replaceAll('`', '')));
    expect(columns.toSorted()).toEqual(KINDS.toSorted());
    const isIn = (folder: string, kind: string, text: string) => {
      const file = `${folder}/${kind}.test.ts`;
      return existsSync(path.join(ROOT, file)) && read(file).includes(text);
    };
    for (const kind of KINDS) {
      const contract = FOLDERS.filter((folder) => isIn(folder, kind, 'connectorContract('));
      const life = /livesOnTarget\(\s*'([\w-]+)'/.exec(read(`test/targets/${kind}.test.ts`))?.[1];
      expect({ kind, contract: contract.length, life }).toEqual({ kind, contract: 1, life: kind });
    }
  });

  test('the example bundle has an entry for each kind, and is good', async () => {
    const dir = path.join(ROOT, 'examples/targets/bundle');
    const loaded = await loadBundle(dir, new FileTicketSource(undefined));
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const { connectors } = loaded.bundle;
    expect(connectors.map(({ kind }) => kind).toSorted()).toEqual(KINDS.toSorted());
    expect(connectors.map(({ grants }) => grants.length > 0)).toEqual(connectors.map(() => true));
  });

  test('every promise has tests, and they are there', () => {
    const tests = FOLDERS.flatMap((folder) =>
      readdirSync(path.join(ROOT, folder))
        .filter((name) => name.endsWith('.ts'))
        .map((name) => read(`${folder}/${name}`)),
    ).join('\n');
    const quoted = promises.map((row) =>
      [...(row.at(-1) ?? '').matchAll(/"([^"]+)"/g)].map(([, title]) => title),
    );
    expect(promises.length).toBeGreaterThan(10);
    expect(quoted.map((titles) => titles.length > 0)).toEqual(quoted.map(() => true));
    expect(quoted.flat().filter((title = '') => !tests.includes(title))).toEqual([]);
  });
});
