import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { provide } from '../../../src/stack/up';

const stateDir = mkdtempSync(path.join(tmpdir(), 'countersign-own-targets-'));
afterAll(() => rmSync(stateDir, { recursive: true, force: true }));

const OWN = { COUNTERSIGN_CONNECTOR_WAREHOUSE_URL: 'postgres://worker@db.example.com/payments' };

describe('DIR-5 a stack with a bundle of one’s own', () => {
  test('acts on the embedded database, which has the roles of the bundle, where no setting says more', async () => {
    const { databases, reachable, ownTargets, roles } = await provide({
      stateDir,
      bundleDir: EXAMPLE_BUNDLE_DIR,
    });
    expect(databases).toContain('warehouse');
    expect(reachable).toContain('warehouse');
    expect(roles).toEqual(expect.arrayContaining(['reporting_read', 'production_write']));
    expect(ownTargets).toEqual({});
  });

  test('acts on the target that the settings of its connector name, and hands on nothing else', async () => {
    const { databases, reachable, ownTargets, roles } = await provide({
      stateDir,
      bundleDir: EXAMPLE_BUNDLE_DIR,
      connectorSettings: {
        ...OWN,
        COUNTERSIGN_TARGET_WAREHOUSE_URL: 'postgres://elsewhere',
        OTHER: 'secret',
      },
    });
    expect(ownTargets).toEqual(OWN);
    expect(databases).not.toContain('warehouse');
    expect(reachable).not.toContain('warehouse');
    expect(roles).toEqual([]);
  });
});
