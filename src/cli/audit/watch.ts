import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { ArchiveSink } from '../../audit/archive/sink';
import { type ArchiveWatch, watchArchive } from '../../audit/archive/watch';
import { ReplayProcess } from '../../audit/replay-process';
import type { Recorder } from '../../telemetry/catalogue';
import type { Context } from '../context';
import { archivistOptions } from './archive';
import { clientOver } from './source';

/** Archives beside a worker for as long as it runs. Closes the archive when it stops. */
export async function startArchive(
  context: Context,
  sink: ArchiveSink,
  recorder: Recorder,
): Promise<ArchiveWatch> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = Connection.lazy({ ...connectionOptions });
  const client = clientOver(connection, namespace, context.settings);
  const replayer = new ReplayProcess();
  const intervalMs = context.settings.COUNTERSIGN_ARCHIVE_INTERVAL_SECONDS * 1_000;
  const options = await archivistOptions({ context, client, namespace, sink, replayer });
  const watch = watchArchive({ ...options, intervalMs, recorder });
  return {
    stop: async () => {
      await watch.stop();
      await replayer.close();
      await Promise.all([connection.close(), sink.close()]);
    },
  };
}
