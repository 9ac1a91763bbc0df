import { setTimeout as sleep } from 'node:timers/promises';
import { type Recorder, SILENT } from '../../telemetry/catalogue';
import { type ArchivePass, Archivist, type ArchivistOptions } from './archivist';

export interface ArchiveWatch {
  /** Ends after the look that is under way. */
  stop(): Promise<void>;
}

export interface WatchOptions extends ArchivistOptions {
  readonly intervalMs: number;
  readonly recorder?: Recorder;
}

/** Looks for what is to be archived again and again. A look that fails is tried again at the next. */
export function watchArchive(options: WatchOptions): ArchiveWatch {
  const { recorder = SILENT, nowMs = Date.now } = options;
  const archivist = new Archivist(options);
  const stopping = new AbortController();
  const loop = async () => {
    while (!stopping.signal.aborted) {
      await archivist.pass().then(
        (pass) => record(pass, nowMs(), recorder),
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
  recorder: Recorder,
): void {
  recorder.record('countersign_archived_total', archived.length, { kind: 'evidence' });
  recorder.record('countersign_archived_total', checkpoints.length, { kind: 'checkpoint' });
  recorder.record('countersign_archive_backlog', failed.length, {});
  recorder.record('countersign_archive_endangered', alarms.length, {});
  recorder.record('countersign_archive_last_look_timestamp_seconds', atMs / 1_000, {});
}
