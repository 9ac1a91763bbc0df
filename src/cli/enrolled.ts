import { SILENT_LOGGER } from '../contracts/logger';
import type { Environment } from '../contracts/settings';
import { Register } from '../directory/register/register';
import { registerAddress } from '../ledger';
import { type LoadedBundle, withRegister } from '../policy';

/**
 * Returns the bundle with the passkeys that are enrolled at this moment, where the settings lead to a register. Without one, and if it
 * does not answer, only the keys of the directory file count; `announce` says so.
 */
export async function withEnrolledKeys(
  bundle: LoadedBundle,
  env: Environment,
  announce: (line: string) => void,
): Promise<LoadedBundle> {
  const url = addressIn(bundle, env);
  if (url === undefined) return bundle;
  const register = new Register({ url, logger: SILENT_LOGGER });
  try {
    const composed = await withRegister({ current: async () => bundle }, register, SILENT_LOGGER).current();
    if (register.readAtMs === undefined)
      announce('the register of enrolled passkeys cannot be reached, so none of them counts here');
    return composed;
  } finally {
    await register.close();
  }
}

function addressIn({ connectors }: LoadedBundle, env: Environment): string | undefined {
  try {
    return registerAddress(connectors, env);
  } catch {
    return undefined;
  }
}
