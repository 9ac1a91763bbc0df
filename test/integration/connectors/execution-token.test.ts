import { ExecutionTokenConnector } from '../../../src/connectors/execution-token/connector';
import { executionToken } from '../../../src/connectors/execution-token/definition';
import { connectorContract } from '../../../src/connectors/kit';
import { breakOff, startPostgres, type TestPostgres } from '../../support/postgres';

let postgres: TestPostgres;
let connector: ExecutionTokenConnector;
beforeAll(async () => {
  postgres = await startPostgres();
  connector = new ExecutionTokenConnector({ url: postgres.url });
  await connector.list();
}, 60_000);
afterAll(async () => {
  await connector.close();
  postgres.stop();
});

/** An execution is let through once and leaves no access behind, so nothing is shared and nothing can drift. */
const contract = connectorContract({
  definition: executionToken,
  connector: () => connector,
  account: 'migrator',
  grant: { audience: 'service/migrator' },
  grantName: 'service/migrator',
  unknown: [{ grant: { role: 'no audience' } }],
  breakOff: (work) => breakOff(postgres.url, 'countersign.execution', work),
  outage: { halt: async () => postgres.halt(), restart: async () => postgres.restart() },
});

describe('TTA-2, TTA-3, TTA-5, EMG-2, EMG-3 the connector contract: execution tokens', () => {
  for (const { name, run } of contract) test(name, run);
});
