import { Connection } from '@temporalio/client';
import type { ArchiveSink } from '../../audit/archive/sink';
import { type ArchiveWatch, watchArchive } from '../../audit/archive/watch';
import { ReplayProcess } from '../../audit/replay-process';
import type { MetricsSink } from '../../telemetry/catalogue';
import type { Context } from '../context';
import { temporalConfig } from '../temporal';
import { archivistOptions } from './archive';
import { clientOver } from './source';

/** Archives beside a worker until it is stopped, then closes the archive. */
export async function startArchive(
  context: Context,
  sink: ArchiveSink,
  metrics: MetricsSink,
): Promise<ArchiveWatch> {
  const { connectionOptions, namespace } = temporalConfig(context.sources.stack);
  const connection = Connection.lazy({ ...connectionOptions });
  const client = clientOver(connection, namespace, context.settings);
  const replayer = new ReplayProcess();
  const intervalMs = context.settings.COUNTERSIGN_ARCHIVE_INTERVAL_SECONDS * 1_000;
  const options = await archivistOptions({ context, client, namespace, sink, replayer });
  const watch = watchArchive({ ...options, intervalMs, metrics });
  return {
    stop: async () => {
      await watch.stop();
      await replayer.close();
      await Promise.all([connection.close(), sink.close(), options.log?.heads.close()]);
    },
  };
}
