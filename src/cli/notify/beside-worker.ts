import { Connection } from '@temporalio/client';
import {
  type NoticeAuthority,
  NoticeStore,
  type Notifications,
  PastRequests,
  type RequestsInView,
  startNotifications,
} from '../../channels';
import { CountersignClient } from '../../client';
import type { Logger } from '../../contracts/logger';
import type { Settings } from '../../contracts/settings';
import type { Authority } from '../../domain/ports';
import type { Ledger } from '../../domain/precedents';
import { authoritiesOf, type BundleSource, type LoadedBundle } from '../../policy';
import { PushSubscriptions } from '../../push/subscriptions';
import { SignedRows } from '../../verified/signed-rows';
import { clientOver } from '../audit/source';
import type { Sources } from '../context';
import { temporalConfig } from '../temporal';

/** How long each kind of waiting request is listed for in one pass. What is signed is known sooner the next time. */
const LISTED_WITHIN_MS = 5_000;

export interface BesideWorker {
  readonly bundles: BundleSource<LoadedBundle>;
  readonly ledger: Ledger;
  readonly ledgerUrl: string;
  readonly logger: Logger;
}

/** Sends notifications beside a worker. Returns undefined if COUNTERSIGN_NOTIFY is not set, so that none are sent. */
export function notificationsOf(
  context: { readonly settings: Settings; readonly sources?: Sources },
  { bundles, ledger, ledgerUrl, logger }: BesideWorker,
): Pick<Notifications, 'stop'> | undefined {
  const { settings } = context;
  const file = settings.COUNTERSIGN_NOTIFY;
  if (file === undefined) return undefined;
  const { connectionOptions, namespace } = temporalConfig(context.sources?.stack);
  const connection = Connection.lazy({ ...connectionOptions });
  const client = new CountersignClient(clientOver(connection, namespace, settings));
  const [store, past] = [new NoticeStore({ url: ledgerUrl, log: logger }), new PastRequests(ledgerUrl)];
  const subscriptions = new PushSubscriptions({ url: ledgerUrl, log: logger });
  const running = startNotifications({
    file,
    store,
    subscriptions,
    past,
    requests: requestsOver(client, noticeAuthorityOver(bundles, ledger)),
    authority: noticeAuthorityOver(bundles, ledger),
    intervalMs: settings.COUNTERSIGN_NOTIFY_INTERVAL_SECONDS * 1_000,
    logger,
  });
  return {
    stop: async () => {
      await running.stop();
      await Promise.all([connection.close(), store.close(), subscriptions.close(), past.close()]);
    },
  };
}

/** Lists the requests that wait for people and that somebody signed, and reads their events, from the server. */
export function requestsOver(
  client: CountersignClient,
  authority: () => Promise<Pick<Authority, 'directory'>>,
): RequestsInView {
  const signed = new SignedRows(client, Date.now);
  return {
    waiting: async () => {
      const { directory } = await authority();
      const rows = [];
      for (const status of ['awaiting_approval', 'approved'] as const)
        rows.push(
          ...(await signed.among(client.rows({ status, running: true }), directory, LISTED_WITHIN_MS)),
        );
      return rows.map(({ row: { id, status, awaiting, deadline }, by }) => ({
        id,
        by,
        version: JSON.stringify([status, awaiting, deadline?.getTime()]),
      }));
    },
    events: (id) => client.events(id),
  };
}

/** The authority by which a worker proves, with the people it knows. */
export function noticeAuthorityOver(
  bundles: BundleSource<LoadedBundle>,
  ledger: Ledger,
): () => Promise<NoticeAuthority> {
  const authorityOf = authoritiesOf(ledger);
  return async () => {
    const bundle = await bundles.current();
    const standingOf = bundle.directory.standingOf.bind(bundle.directory);
    return { ...authorityOf(bundle), people: { ids: bundle.principals, standingOf } };
  };
}
