import type { History } from '@temporalio/common/lib/proto-utils';
import { type InjectedSinks, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import type { JournalSinks, JournalStep } from '../workflows/journal';

export type ReplayResult = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** What a replay brought to light: the steps that the workflow code of today takes over this history. */
export type ReplayedSteps =
  | { readonly ok: true; readonly steps: readonly JournalStep[] }
  | { readonly ok: false; readonly message: string };

const dataConverter = { payloadConverterPath: require.resolve('../workflows/payload-converter') };

/** Runs a history again on today's workflow code. Differences in what the code would do are the finding (AUD-1). */
export async function replayHistory(
  history: History,
  workflowId: string,
  workflowBundle: WorkflowBundleOption,
): Promise<ReplayResult> {
  const replayer = new Replayer(workflowBundle);
  try {
    const result = await replayer.replay(history, workflowId);
    return result.ok ? { ok: true } : result;
  } finally {
    await replayer.close();
  }
}

interface Waiting {
  readonly history: History;
  readonly workflowId: string;
  readonly settle: (result: ReplayedSteps) => void;
}

/** Replays one history after another in one worker, and hears each step. Needs no server. Close it with `close`. */
export class Replayer {
  readonly #workflowBundle: WorkflowBundleOption;
  readonly #queue: Waiting[] = [];
  #steps: JournalStep[] = [];
  #wake: (() => void) | undefined;
  #current: Waiting | undefined;
  #closed = false;
  #running: Promise<void> | undefined;

  constructor(workflowBundle: WorkflowBundleOption) {
    this.#workflowBundle = workflowBundle;
  }

  /** Never rejects: what keeps a history from being replayed is a finding about it. */
  replay(history: History, workflowId: string): Promise<ReplayedSteps> {
    return new Promise((settle) => {
      this.#queue.push({ history, workflowId, settle });
      this.#wake?.();
      this.#running ??= this.#run();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    await this.#running;
  }

  /** A worker that a damaged history has brought down is replaced by another for the next one. */
  async #run(): Promise<void> {
    while (this.#queue.length > 0 || !this.#closed) {
      try {
        const options = { workflowBundle: this.#workflowBundle, dataConverter, sinks: this.#sinks() };
        for await (const { error } of Worker.runReplayHistories(options, this.#histories()))
          this.#settle(error);
      } catch (error) {
        this.#settle(error);
      }
    }
  }

  async *#histories() {
    while (true) {
      // One at a time, so that each step is known to belong to it.
      while (this.#current !== undefined || this.#queue.length === 0) {
        if (this.#closed && this.#current === undefined) return;
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
      }
      this.#current = this.#queue.shift();
      this.#steps = [];
      if (this.#current !== undefined)
        yield { workflowId: this.#current.workflowId, history: this.#current.history };
    }
  }

  #settle(error: unknown): void {
    const current = this.#current;
    this.#current = undefined;
    const message = error instanceof Error ? error.message : String(error);
    current?.settle(error === undefined ? { ok: true, steps: this.#steps } : { ok: false, message });
    this.#wake?.();
  }

  #sinks(): InjectedSinks<JournalSinks> {
    const record = {
      fn: (_: unknown, step: JournalStep) => void this.#steps.push(step),
      callDuringReplay: true,
    };
    return { countersignJournal: { record } };
  }
}
