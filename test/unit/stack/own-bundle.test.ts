import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { provide } from '../../../src/stack/up';

const dir = mkdtempSync(path.join(tmpdir(), 'countersign-own-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('TGT-4 the embedded target serves every PostgreSQL connector of a bundle of your own, whatever it is called', async () => {
  const bundleDir = path.join(dir, 'bundle');
  cpSync(EXAMPLE_BUNDLE_DIR, bundleDir, { recursive: true });
  const catalog = path.join(bundleDir, 'catalog.yaml');
  const more =
    'connectors:\n  billing: { kind: postgresql, title: Billing }\n  audit-eu: { kind: postgresql, title: Audit }\n';
  writeFileSync(catalog, readFileSync(catalog, 'utf8').replace('connectors:\n', more));
  const { databases, reachable, bundleDir: used } = await provide({ stateDir: dir, bundleDir });
  expect(used).toBe(bundleDir);
  expect([...databases].sort()).toEqual(['audit-eu', 'billing', 'changes', 'warehouse']);
  expect(reachable).toEqual(expect.arrayContaining(['audit-eu', 'billing', 'warehouse']));
});
