import type { InjectedSinks } from '@temporalio/worker';
import type { FactSinks, JournalSinks } from '../workflows/journal';
import type { TraceSinks } from '../workflows/trace-carrier';
import type { Recorder } from './catalogue';
import { countFacts } from './count-facts';
import type { Tracing } from './tracing';

export interface SinksOptions {
  readonly recorder: Recorder;
  readonly tracing: Tracing;
  readonly isConnector: (name: string) => boolean;
}

/**
 * Where the workflow code of a worker at work is heard. None is called while a history is replayed; a workflow task that
 * is done again, after a worker was lost or a workflow was reset, says what it says again.
 */
export function workerSinks({
  recorder,
  tracing,
  isConnector,
}: SinksOptions): InjectedSinks<JournalSinks & FactSinks & TraceSinks> {
  return {
    // The journal is for who replays a history to verify it; here nobody listens.
    countersignJournal: { record: { fn: () => undefined, callDuringReplay: false } },
    countersignFacts: {
      record: {
        fn: ({ startTime }, facts) =>
          countFacts(facts, { startedAtMs: startTime.getTime(), isConnector }, recorder),
        callDuringReplay: false,
      },
    },
    countersignTrace: {
      ran: {
        fn: ({ workflowType, runStartTime }, parent) => {
          const about = { kind: 'internal', parent, startedAtMs: runStartTime.getTime() } as const;
          void tracing.span(`workflow ${workflowType}`, about, async () => undefined);
        },
        callDuringReplay: false,
      },
    },
  };
}
