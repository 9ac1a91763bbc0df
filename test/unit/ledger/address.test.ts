import { ledgerAddress } from '../../../src/ledger';

const WAREHOUSE = { name: 'warehouse', kind: 'postgresql' };
const LAKE = { name: 'lake', kind: 'postgresql' };
const CHANGES = { name: 'changes', kind: 'execution-token' };
const env = {
  COUNTERSIGN_CONNECTOR_WAREHOUSE_URL: 'postgres://warehouse/db',
  COUNTERSIGN_CONNECTOR_LAKE_URL: 'postgres://lake/db',
  COUNTERSIGN_CONNECTOR_CHANGES_URL: 'postgres://changes/db',
};

describe('APB-4, EMG-3, FRI-7 the ledger is not moved by the order of a catalog', () => {
  test('the ledger lies beside the leases of the only PostgreSQL target', () => {
    expect(ledgerAddress([CHANGES, WAREHOUSE], env)).toBe('postgres://warehouse/db');
  });

  test.each([
    ['one', [WAREHOUSE, LAKE]],
    ['the other', [LAKE, WAREHOUSE]],
  ])('with several targets a setting has to say where: %s first', (_, declared) => {
    expect(() => ledgerAddress(declared, env)).toThrow(/lake.*set COUNTERSIGN_LEDGER_URL/);
    const said = { ...env, COUNTERSIGN_LEDGER_URL: 'postgres://ledger/db' };
    expect(ledgerAddress(declared, said)).toBe('postgres://ledger/db');
  });

  test('without any target a setting has to say where', () => {
    expect(() => ledgerAddress([CHANGES], env)).toThrow(/set COUNTERSIGN_LEDGER_URL/);
  });
});
