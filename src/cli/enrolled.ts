import { SILENT_LOGGER } from '../contracts/logger';
import type { Environment } from '../contracts/settings';
import { Register } from '../directory/register/register';
import { SnapshotStore } from '../directory/sources/store';
import { registerAddress } from '../ledger';
import { type LoadedBundle, withRegister, withSources } from '../policy';

/**
 * Returns the bundle with what its sources give and the passkeys that are enrolled at this moment, where the settings lead to a register.
 * Without one, and if it does not answer, only the directory file counts; `announce` says so.
 */
export async function withEnrolledKeys(
  bundle: LoadedBundle,
  env: Environment,
  announce: (line: string) => void,
): Promise<LoadedBundle> {
  const url = addressIn(bundle, env);
  if (url === undefined) return bundle;
  const register = new Register({ url, logger: SILENT_LOGGER });
  const snapshots = new SnapshotStore({ url, logger: SILENT_LOGGER });
  try {
    const file = { current: async () => bundle };
    const sourced = await withSources(file, snapshots, SILENT_LOGGER)
      .current()
      .catch(() => {
        announce('the snapshots of the sources cannot be reached, so only directory.yaml counts here');
        return bundle;
      });
    const composed = await withRegister({ current: async () => sourced }, register, SILENT_LOGGER).current();
    if (register.readAtMs === undefined)
      announce('the register of enrolled passkeys cannot be reached, so none of them counts here');
    return composed;
  } finally {
    await Promise.all([register.close(), snapshots.close()]);
  }
}

function addressIn({ connectors }: LoadedBundle, env: Environment): string | undefined {
  try {
    return registerAddress(connectors, env);
  } catch {
    return undefined;
  }
}
