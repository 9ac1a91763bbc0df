import type { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { connectTo } from '../client-errors';
import type { RunningStack } from '../stack/running-stack';

/** How this command reaches Temporal: as Temporal's own variables and profile file say, or else the running stack. */
export function temporalConfig(stack: RunningStack | undefined) {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const address = connectionOptions.address ?? stack?.temporalAddress;
  return {
    namespace,
    connectionOptions: { ...connectionOptions, ...(address !== undefined && { address }) },
  };
}

/**
 * Connects to Temporal's own interface.
 *
 * @throws CountersignError `UNREACHABLE` with the address and the cause
 */
export async function connectTemporal(
  stack: RunningStack | undefined,
  connectTimeout: '3s' | '5s' = '5s',
): Promise<{ connection: Connection; namespace: string }> {
  const { connectionOptions, namespace } = temporalConfig(stack);
  return { connection: await connectTo({ connectTimeout, ...connectionOptions }), namespace };
}
