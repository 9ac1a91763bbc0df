import type { Logger } from '../../contracts/logger';
import { PushedStore } from '../../directory/sources/pushed/store';
import type { SourcesData } from '../../directory/sources/sources-file';
import { SnapshotStore } from '../../directory/sources/store';
import { registerAddress } from '../../ledger';
import { createBundleSource, FileTicketSource, type LoadedBundle } from '../../policy';
import type { Context } from '../context';
import { UserError } from '../output';

/** The bundle without what its sources give, and the store of what they gave. */
export interface Opened {
  readonly store: SnapshotStore;
  readonly pushed: PushedStore;
  /** Returns the bundle as it is now. @throws UserError if it names no sources */
  readonly root: () => Promise<LoadedBundle & { readonly sources: SourcesData }>;
}

/** Runs something with the sources of the bundle that the settings name. */
export async function withOpened<T>(
  { settings, env }: Context,
  logger: Logger,
  use: (opened: Opened) => Promise<T>,
): Promise<T> {
  const dir = settings.COUNTERSIGN_BUNDLE;
  const bundles = await createBundleSource(dir, { tickets: new FileTicketSource(undefined), logger }).catch(
    () => {
      throw new UserError(`the bundle ${dir} is not valid; run countersign policy check`, 1, 'BAD_BUNDLE');
    },
  );
  const root = async () => {
    const bundle = await bundles.current();
    const { sources } = bundle;
    if (sources === undefined)
      throw new UserError(`${dir} has no sources.yaml, so directory.yaml is all there is`);
    return { ...bundle, sources };
  };
  const { connectors } = await root();
  const url = addressIn(connectors, env);
  const store = new SnapshotStore({ url, logger });
  const pushed = new PushedStore({ url, maxConnections: 1, log: logger });
  try {
    return await use({ store, pushed, root });
  } finally {
    await Promise.all([store.close(), pushed.close()]);
  }
}

function addressIn(...args: Parameters<typeof registerAddress>): string {
  try {
    return registerAddress(...args);
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : 'no database is set');
  }
}
