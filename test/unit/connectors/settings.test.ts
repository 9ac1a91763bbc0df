import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectorProblems, createConnectors, hasAnySetting } from '../../../src/connectors';

const WAREHOUSE = { name: 'warehouse', kind: 'postgresql' };
const CHANGES = { name: 'changes', kind: 'execution-token' };
const env = {
  COUNTERSIGN_CONNECTOR_WAREHOUSE_URL: 'postgres://warehouse/db',
  COUNTERSIGN_CONNECTOR_CHANGES_URL: 'postgres://changes/db',
};

describe('problems with the settings of connectors are reported before a worker starts', () => {
  test('there is none if every connector has its address', async () => {
    expect(connectorProblems([WAREHOUSE, CHANGES], env)).toEqual([]);
    expect([...(await createConnectors([WAREHOUSE, CHANGES], env)).keys()]).toEqual(['warehouse', 'changes']);
  });

  test('an unknown kind and a missing address', () => {
    const { COUNTERSIGN_CONNECTOR_CHANGES_URL: _none, ...rest } = env;
    const declared = [WAREHOUSE, CHANGES, { name: 'vault', kind: 'vault' }];
    expect(connectorProblems(declared, rest)).toEqual([
      expect.stringContaining('COUNTERSIGN_CONNECTOR_CHANGES_URL'),
      expect.stringContaining('no kind vault'),
    ]);
  });

  test('TGT-4 a setting that may be left out is not asked for', async () => {
    const cluster = { name: 'cluster', kind: 'kubernetes' };
    const needed = { COUNTERSIGN_CONNECTOR_CLUSTER_KUBECONFIG: '/nowhere' };
    expect(connectorProblems([cluster], needed)).toEqual([]);
    const [problem] = connectorProblems([cluster], { COUNTERSIGN_CONNECTOR_CLUSTER_CONTEXT: 'production' });
    expect(problem).toMatch(/set COUNTERSIGN_CONNECTOR_CLUSTER_KUBECONFIG/);
  });

  test('a misspelt setting', () => {
    const misspelt = {
      ...env,
      COUNTERSIGN_CONNECTOR_WAREHOUSE_URLL: 'x',
      COUNTERSIGN_CONNECTOR_WAREHOUSE_EU_URL: 'y',
    };
    expect(connectorProblems([WAREHOUSE, CHANGES], misspelt)).toEqual([
      'connector warehouse: COUNTERSIGN_CONNECTOR_WAREHOUSE_URLL is not a setting of postgresql; it has COUNTERSIGN_CONNECTOR_WAREHOUSE_URL',
    ]);
  });

  test('a client without any address differs from a worker that lacks some', () => {
    expect(hasAnySetting([WAREHOUSE, CHANGES], {})).toBe(false);
    expect(hasAnySetting([WAREHOUSE, CHANGES], { COUNTERSIGN_CONNECTOR_CHANGES_URL_FILE: '/x' })).toBe(true);
  });

  test('an empty file is not an address, and no message shows an address', () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'addresses-'));
    try {
      const file = path.join(dir, 'url');
      writeFileSync(file, '\n');
      const [problem] = connectorProblems([WAREHOUSE], { COUNTERSIGN_CONNECTOR_WAREHOUSE_URL_FILE: file });
      expect(problem).toMatch(/is empty/);
      expect(connectorProblems([{ name: 'vault', kind: 'vault' }], env).join()).not.toContain('postgres://');
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
