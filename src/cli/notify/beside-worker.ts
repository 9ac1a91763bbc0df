import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { Logger } from 'pino';
import { CountersignClient } from '../../client';
import type { Ledger } from '../../domain/precedents';
import {
  type Authority,
  NoticeStore,
  type Notifications,
  PastRequests,
  type RequestsInView,
  startNotifications,
} from '../../notify';
import type { BundleSource, LoadedBundle } from '../../policy';
import { remembering } from '../../policy/remembering';
import { SignedDirectory } from '../../signing/signed-directory';
import { clientOver } from '../audit/source';
import type { Context } from '../context';

export interface BesideWorker {
  readonly bundles: BundleSource<LoadedBundle>;
  readonly ledger: Ledger;
  readonly ledgerUrl: string;
  readonly logger: Logger;
}

/** Tells people what awaits them for as long as a worker runs; nothing where nobody says how. */
export function notificationsOf(
  { settings }: Context,
  { bundles, ledger, ledgerUrl, logger }: BesideWorker,
): Pick<Notifications, 'stop'> | undefined {
  const file = settings.COUNTERSIGN_NOTIFY;
  if (file === undefined) return undefined;
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = Connection.lazy({ ...connectionOptions });
  const client = new CountersignClient(clientOver(connection, namespace, settings));
  const [store, past] = [new NoticeStore(ledgerUrl), new PastRequests(ledgerUrl)];
  const running = startNotifications({
    file,
    store,
    past,
    requests: requestsOver(client),
    authority: authorityOver(bundles, ledger),
    intervalMs: settings.COUNTERSIGN_NOTIFY_INTERVAL_SECONDS * 1_000,
    logger,
  });
  return {
    stop: async () => {
      await running.stop();
      await Promise.all([connection.close(), store.close(), past.close()]);
    },
  };
}

/** What waits for people, as the server lists it, and what has happened to it. */
export function requestsOver(client: CountersignClient): RequestsInView {
  return {
    waiting: async () => {
      const rows = [
        ...(await client.list({ status: 'awaiting_approval', running: true, limit: 1_000 })),
        ...(await client.list({ status: 'approved', running: true, limit: 1_000 })),
      ];
      return rows.map(({ id, status, awaiting, deadline }) => ({
        id,
        version: JSON.stringify([status, awaiting, deadline?.getTime()]),
      }));
    },
    events: (id) => client.events(id),
  };
}

/** The authority by which a worker proves, with the people it knows. */
export function authorityOver(bundles: BundleSource<LoadedBundle>, ledger: Ledger): () => Promise<Authority> {
  const signed = new WeakMap<object, SignedDirectory>();
  return async () => {
    const { directory: book, policy, principals } = await bundles.current();
    const directory = signed.get(book) ?? new SignedDirectory(book);
    signed.set(book, directory);
    return {
      directory,
      policy: remembering(policy, ledger),
      people: { ids: principals, standingOf: (id, atMs) => book.standingOf(id, atMs) },
    };
  };
}
