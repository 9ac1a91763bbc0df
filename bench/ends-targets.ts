import { createConnectors } from '../src/connectors';
import type { CatalogGrant, Connector } from '../src/connectors/contract';
import { settingVariable } from '../src/connectors/settings';
import { startPostgres } from '../test/support/postgres';
import { type GroundKind, startGround } from '../test/support/targets/grounds';

/** A real target with a connector, and accounts that hold nothing on it. */
export interface EndsTarget {
  readonly connector: Connector;
  readonly grant: CatalogGrant;
  account(index: number): string;
  stop(): Promise<void>;
}

const NAME = 'target';
const GRANT = 'reports';

/** Starts the target of a kind with this many accounts, and a PostgreSQL server of its own for the leases. */
export async function startTarget(kind: GroundKind, count: number): Promise<EndsTarget> {
  const postgres = await startPostgres();
  const accounts = Array.from({ length: count }, (_, index) => `user${index}`);
  const ground = await startGround(kind, { accounts, grants: [GRANT], connector: NAME }, postgres);
  const settings = Object.entries(ground.settings(ground.port)).map(([name, value]) => [
    settingVariable(NAME, name),
    value,
  ]);
  const env = { ...Object.fromEntries(settings), COUNTERSIGN_LEASES_URL: postgres.url };
  const connector = (await createConnectors([{ name: NAME, kind }], env)).get(NAME);
  if (connector === undefined) throw new Error(`no connector of the kind ${kind}`);
  return {
    connector,
    grant: ground.grant(GRANT),
    account: (index) => ground.account(`user${index}`),
    stop: async () => {
      await connector.close();
      await ground.stop();
      postgres.stop();
    },
  };
}
