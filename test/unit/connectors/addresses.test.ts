import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { addressProblems, createConnectors, hasAnyAddress, ledgerAddress } from '../../../src/connectors';

const WAREHOUSE = { name: 'warehouse', kind: 'postgresql' };
const LAKE = { name: 'lake', kind: 'postgresql' };
const CHANGES = { name: 'changes', kind: 'execution-token' };
const env = {
  COUNTERSIGN_CONNECTOR_WAREHOUSE_URL: 'postgres://warehouse/db',
  COUNTERSIGN_CONNECTOR_LAKE_URL: 'postgres://lake/db',
  COUNTERSIGN_CONNECTOR_CHANGES_URL: 'postgres://changes/db',
};

describe('APB-4, EMG-3, FRI-7 the ledger is not moved by the order of a catalog', () => {
  test('it lies beside the leases of the only PostgreSQL target', () => {
    expect(ledgerAddress([CHANGES, WAREHOUSE], env)).toBe('postgres://warehouse/db');
  });

  test.each([
    ['one', [WAREHOUSE, LAKE]],
    ['the other', [LAKE, WAREHOUSE]],
  ])('among several it is to be said where: %s first', (_, declared) => {
    expect(() => ledgerAddress(declared, env)).toThrow(/lake.*set COUNTERSIGN_LEDGER_URL/);
    const said = { ...env, COUNTERSIGN_LEDGER_URL: 'postgres://ledger/db' };
    expect(ledgerAddress(declared, said)).toBe('postgres://ledger/db');
  });

  test('without any it is to be said where', () => {
    expect(() => ledgerAddress([CHANGES], env)).toThrow(/set COUNTERSIGN_LEDGER_URL/);
  });
});

describe('what keeps a worker from its connectors is said beforehand', () => {
  test('nothing, where each has its address', () => {
    expect(addressProblems([WAREHOUSE, CHANGES], env)).toEqual([]);
    expect([...createConnectors([WAREHOUSE, CHANGES], env).keys()]).toEqual(['warehouse', 'changes']);
  });

  test('a kind that is none, an address that is missing, a ledger that could be in two places', () => {
    const { COUNTERSIGN_CONNECTOR_CHANGES_URL: _none, ...rest } = env;
    const declared = [WAREHOUSE, LAKE, CHANGES, { name: 'vault', kind: 'vault' }];
    expect(addressProblems(declared, rest)).toEqual([
      expect.stringContaining('COUNTERSIGN_CONNECTOR_CHANGES_URL'),
      expect.stringContaining('no kind vault'),
      expect.stringContaining('COUNTERSIGN_LEDGER_URL'),
    ]);
  });

  test('a client that is told of none is told apart from a worker that lacks some', () => {
    expect(hasAnyAddress([WAREHOUSE, CHANGES], {})).toBe(false);
    expect(hasAnyAddress([WAREHOUSE, CHANGES], { COUNTERSIGN_CONNECTOR_CHANGES_URL_FILE: '/x' })).toBe(true);
  });

  test('a file with nothing in it is no address, and no message shows one', () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'addresses-'));
    try {
      const file = path.join(dir, 'url');
      writeFileSync(file, '\n');
      const [problem] = addressProblems([WAREHOUSE], { COUNTERSIGN_CONNECTOR_WAREHOUSE_URL_FILE: file });
      expect(problem).toMatch(/is empty/);
      expect(addressProblems([WAREHOUSE, LAKE], env).join()).not.toContain('postgres://');
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
