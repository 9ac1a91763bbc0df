import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { FileTicketSource, loadBundle } from '../../../src/policy';
import { exampleBundleCopy, spoiled } from '../../support/policy/spoiled-bundle';

const tickets = new FileTicketSource(undefined);
let dir: string;
beforeEach(() => {
  dir = exampleBundleCopy();
});
afterEach(() => rmSync(dir, { recursive: true }));

const spoil = (file: string, search: string, replacement: string) =>
  spoiled(path.join(dir, file), search, replacement);

describe('TGT-4 names that would be one name elsewhere', () => {
  const second = (name: string) =>
    spoil(
      'catalog.yaml',
      '  warehouse: { kind: postgresql',
      `  ${name}: { kind: postgresql, title: Another }\n  warehouse: { kind: postgresql`,
    );
  const declare = (...names: string[]) => {
    for (const name of names) second(name);
  };

  test.each([
    ['prod-eu', 'prod_eu', 'COUNTERSIGN_CONNECTOR_PROD_EU_URL'],
    ['prod.eu', 'prod-eu', 'COUNTERSIGN_CONNECTOR_PROD_EU_URL'],
    ['PROD-EU', 'prod-eu', 'COUNTERSIGN_CONNECTOR_PROD_EU_URL'],
    ['Warehouse', 'other', 'COUNTERSIGN_CONNECTOR_WAREHOUSE_URL'],
  ])('connectors %s and %s that would read one variable are refused', async (one, other, variable) => {
    declare(one, other);
    const loaded = await loadBundle(dir, tickets);
    const text = readFileSync(path.join(dir, 'catalog.yaml'), 'utf8').split('\n');
    const later = other === 'other' ? 'warehouse' : other;
    expect(loaded).toEqual({
      ok: false,
      problems: [
        {
          file: 'catalog.yaml',
          line: text.findIndex((line) => line.startsWith(`  ${later}: { kind`)) + 1,
          message: `${later} and ${one} would both read ${variable}; rename one so that they differ in letters or digits, whatever their case`,
        },
      ],
    });
  });

  test('connectors whose names differ in letters are not', async () => {
    declare('prod-eu', 'prod-us', 'prod-eu-url');
    expect(await loadBundle(dir, tickets)).toMatchObject({ ok: true });
  });

  test('a connector is not a system too', async () => {
    const line = spoil('catalog.yaml', 'systems:\n', 'systems:\n  warehouse: The same\n');
    const loaded = await loadBundle(dir, tickets);
    expect(loaded.ok ? [] : loaded.problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^warehouse is declared in "systems" too/),
    ]);
    expect(line).toBeGreaterThan(1);
  });
});

describe('TGT-4 names that a target gives are its own', () => {
  const MIRA = 'warehouse: mira }';
  const messages = async () => {
    const loaded = await loadBundle(dir, tickets);
    return loaded.ok ? [] : loaded.problems;
  };

  test.each([
    '_svc',
    "O'Brien",
    'jürgen',
    'Payments Write',
    'ines@acme.com',
    'ACME\\\\ines',
    'ä'.repeat(31),
  ])('an account may be called %s, and a role too', async (name) => {
    spoil('directory.yaml', MIRA, `warehouse: "${name}" }`);
    spoil('catalog.yaml', 'grant: { role: reporting_read }', `grant: { role: "${name}" }`);
    const loaded = await loadBundle(dir, tickets);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const plain = name.replace('\\\\', '\\');
    expect(loaded.bundle.directory.identity('person/mira')?.accounts).toEqual({ warehouse: plain });
    const grants = loaded.bundle.connectors.flatMap((one) => one.grants);
    expect(grants).toContainEqual({ role: plain });
  });

  test('PostgreSQL would shorten a longer name in silence, so it is refused with its length', async () => {
    const line = spoil('directory.yaml', MIRA, `warehouse: ${'ä'.repeat(32)} }`);
    const roleLine = spoil(
      'catalog.yaml',
      'grant: { role: reporting_read }',
      `grant: { role: ${'x'.repeat(64)} }`,
    );
    expect(await messages()).toEqual([
      {
        file: 'directory.yaml',
        line,
        message: `the account ${'ä'.repeat(32)} of person/mira on warehouse has 64 bytes, and a name in PostgreSQL has 63 at most; correct it`,
      },
      {
        file: 'catalog.yaml',
        line: roleLine,
        message:
          '"role" has 64 bytes, and a name in PostgreSQL has 63 at most; correct it; this is a grant of a connector of kind postgresql',
      },
    ]);
  });

  test('two accounts that read the same are one account, however their letters are composed', async () => {
    spoil('directory.yaml', MIRA, `warehouse: "${'jürgen'.normalize('NFC')}" }`);
    spoil('directory.yaml', 'warehouse: tomas }', `warehouse: "${'jürgen'.normalize('NFD')}" }`);
    expect(await messages()).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/belongs to person\/mira already/) }),
    ]);
  });

  test('a name with what nobody can see is refused', async () => {
    spoil('directory.yaml', MIRA, 'warehouse: "mi\\u200bra" }');
    expect(await messages()).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/nobody can see/) }),
    ]);
  });

  test('names of our own stay strict, and the message shows the value', async () => {
    const line = spoil('catalog.yaml', 'tags: [internal]', `tags: ["O'Brien\\u200b"]`);
    expect(await messages()).toEqual([
      {
        file: 'catalog.yaml',
        line,
        message: `"0" is not an identifier: "O'BrienU+200B"; use letters, digits and . _ : / @ - only, and begin with a letter or digit`,
      },
    ]);
  });
});
