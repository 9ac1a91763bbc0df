import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createContext } from '../../src/cli/context';
import { runWorker } from '../../src/cli/worker';
import { addressVariable } from '../../src/connectors/settings';
import { breakConnector } from './broken-connector';

/** The product's worker, with other workflow code or with a promise broken. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { code: { type: 'string' }, break: { type: 'boolean' } } });
  const context = await createContext({ COUNTERSIGN_LOG_LEVEL: 'warn', ...process.env });
  await runWorker(context, {
    connectors: (made) =>
      new Map(
        [...made].map(([name, connector]) => {
          const url = process.env[addressVariable(name)];
          return [name, values.break && url !== undefined ? breakConnector(connector, url) : connector];
        }),
      ),
    ...(values.code !== undefined && { workflowBundle: { code: readFileSync(values.code, 'utf8') } }),
  });
}

void main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
