import path from 'node:path';
import { CallLog } from '../../gate/call-log';
import type { Gateway } from '../../gateway/gateway';
import type { PostgresqlLedger } from '../../ledger';
import { type GateEndpoint, gateEndpoint } from '../../mcp/http/gate-endpoint';
import { authorityOver } from '../../policy';
import { packageVersion } from '../../project';
import type { Context } from '../context';
import { UserError } from '../output';
import { readEnvFile } from './options';

/** What a server needs to run at all. Of the gateway's own environment, which has its credentials, it gets nothing else. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'];

/** Opens the servers that the gateway stands before, by `gate` in `gateway.yaml`. Returns undefined if there are none. */
export async function servedGate(
  gateway: Gateway,
  ledger: PostgresqlLedger,
  { settings, sources }: Context,
  pagesAt: string,
): Promise<(GateEndpoint & { close(): Promise<void> }) | undefined> {
  const { gate: config } = gateway.config;
  if (config === undefined) return undefined;
  const { catalog } = (await gateway.bundles.current()).context;
  const known = catalog.tools();
  for (const [name, { observe }] of Object.entries(config.servers))
    if (!known.has(name) && !observe)
      throw new UserError(
        `gate.servers.${name}: the catalog maps no tools of ${name} (it has ${[...known.keys()].join(', ') || 'none'}); add them under "tools", correct the name, or set observe: true to begin with`,
        1,
        'BAD_CONFIG',
      );
  const inherited = INHERITED.flatMap((name) => {
    const value = sources.environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const environments = new Map(
    Object.entries(config.servers).map(([name, { envFile }]) => [
      name,
      { ...Object.fromEntries(inherited), ...(envFile !== undefined && readEnvFile(envFile)) },
    ]),
  );
  const log = await CallLog.open(
    path.join(settings.COUNTERSIGN_STATE_DIR, 'gate'),
    `gateway-${new Date().toISOString().replaceAll(':', '')}-${process.pid}.jsonl`,
  );
  await log.append({ event: 'started', servers: Object.keys(config.servers), executor: config.as });
  const endpoint = gateEndpoint(gateway, {
    ...{ version: packageVersion(), environments, log, pagesAt },
    lookUp: (entry) => ledger.lookUp(entry),
    isOnRecord: (requests) => ledger.isOnRecord(requests),
    authority: authorityOver(gateway.bundles, ledger),
  });
  return {
    ...endpoint,
    close: async () => {
      endpoint.stop();
      await log.close();
    },
  };
}
