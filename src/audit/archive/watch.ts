import { setTimeout as sleep } from 'node:timers/promises';
import { type MetricsSink, NO_METRICS } from '../../telemetry/catalogue';
import { type ArchivePass, Archivist, type ArchivistOptions } from './archivist';

export interface ArchiveWatch {
  /** Stops after the pass that is running. */
  stop(): Promise<void>;
}

export interface WatchOptions extends ArchivistOptions {
  readonly intervalMs: number;
  readonly metrics?: MetricsSink;
}

/** Runs a pass of the archivist every `intervalMs`. A failed pass is logged and repeated at the next interval. */
export function watchArchive(options: WatchOptions): ArchiveWatch {
  const { metrics = NO_METRICS, nowMs = Date.now } = options;
  const archivist = new Archivist(options);
  const stopping = new AbortController();
  const loop = async () => {
    while (!stopping.signal.aborted) {
      await archivist.pass().then(
        (pass) => record(pass, nowMs(), metrics),
        (error: unknown) => {
          const reason = error instanceof Error ? error.message : 'unknown';
          options.logger.error({ reason }, 'the archivist could not look for closed requests');
        },
      );
      await sleep(options.intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = loop();
  options.logger.info({ archive: options.sink.place, intervalMs: options.intervalMs }, 'archivist started');
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

function record(
  { archived, checkpoints, failed, alarms }: ArchivePass,
  atMs: number,
  metrics: MetricsSink,
): void {
  metrics.record('countersign_archived_total', archived.length, { kind: 'evidence' });
  metrics.record('countersign_archived_total', checkpoints.length, { kind: 'checkpoint' });
  metrics.record('countersign_archive_backlog', failed.length, {});
  metrics.record('countersign_archive_endangered', alarms.length, {});
  metrics.record('countersign_archive_last_look_timestamp_seconds', atMs / 1_000, {});
}
