import { setTimeout as sleep } from 'node:timers/promises';
import { Archivist, type ArchivistOptions } from './archivist';

export interface ArchiveWatch {
  /** Ends after the look that is under way. */
  stop(): Promise<void>;
}

/** Looks for what is to be archived again and again. A look that fails is tried again at the next. */
export function watchArchive(options: ArchivistOptions & { readonly intervalMs: number }): ArchiveWatch {
  const archivist = new Archivist(options);
  const stopping = new AbortController();
  const loop = async () => {
    while (!stopping.signal.aborted) {
      await archivist.pass().catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : 'unknown';
        options.logger.error({ reason }, 'the archivist could not look for closed requests');
      });
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
