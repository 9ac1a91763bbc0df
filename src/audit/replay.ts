import type { History } from '@temporalio/common/lib/proto-utils';
import { type InjectedSinks, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import type { JournalSinks, JournalStep } from '../workflows/journal';

export type ReplayResult = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** The result of a replay: the steps that today's workflow code takes over this history. */
export type ReplayedSteps =
  | { readonly ok: true; readonly steps: readonly JournalStep[] }
  | { readonly ok: false; readonly message: string };

/** Replays a history. Never rejects: a failed replay is a finding about the history. */
export interface HistoryReplay {
  replay(history: History, workflowId: string): Promise<ReplayedSteps>;
}

const dataConverter = { payloadConverterPath: require.resolve('../workflows/payload-converter') };

/** Replays a history with today's workflow code, and reports any difference in what the code does (AUD-1). */
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

interface Replay {
  readonly history: History;
  readonly workflowId: string;
}

/**
 * Replays one history after another in one worker of this process. Needs no server. It is for
 * histories that a server has written: others can make it hang (see `ReplayProcess`). Close it with `close`.
 */
export class Replayer implements HistoryReplay {
  readonly #workflowBundle: WorkflowBundleOption;
  readonly #onStep: (step: JournalStep) => void;
  #session: Session | undefined;
  #previous: Promise<unknown> = Promise.resolve();

  /** @param options.onStep is called for each step */
  constructor(
    workflowBundle: WorkflowBundleOption,
    { onStep = () => undefined }: { readonly onStep?: (step: JournalStep) => void } = {},
  ) {
    this.#workflowBundle = workflowBundle;
    this.#onStep = onStep;
  }

  replay(history: History, workflowId: string): Promise<ReplayedSteps> {
    const result = this.#previous.then(() => this.#replay({ history, workflowId }));
    this.#previous = result;
    return result;
  }

  async close(): Promise<void> {
    await this.#previous;
    await this.#session?.close();
    this.#session = undefined;
  }

  async #replay(replay: Replay): Promise<ReplayedSteps> {
    this.#session ??= new Session(this.#workflowBundle, this.#onStep);
    const result = await this.#session.replay(replay);
    if (this.#session.isOver) this.#session = undefined;
    return result;
  }
}

/** One worker. It takes a history only after the previous one is done, so each step belongs to the current one. */
class Session {
  readonly #results: AsyncIterator<{ readonly error?: Error }>;
  #steps: JournalStep[] = [];
  #offer: (replay: Replay | undefined) => void = () => undefined;
  #offered = this.#nextOffer();
  isOver = false;

  constructor(workflowBundle: WorkflowBundleOption, onStep: (step: JournalStep) => void) {
    const record = {
      fn: (_: unknown, step: JournalStep) => {
        this.#steps.push(step);
        onStep(step);
      },
      callDuringReplay: true,
    };
    const sinks: InjectedSinks<JournalSinks> = { countersignJournal: { record } };
    const results = Worker.runReplayHistories({ workflowBundle, dataConverter, sinks }, this.#histories());
    this.#results = results[Symbol.asyncIterator]();
  }

  async replay(replay: Replay): Promise<ReplayedSteps> {
    this.#steps = [];
    this.#offer(replay);
    try {
      const result = await this.#results.next();
      const error = result.done === true ? new Error('there was nothing to replay') : result.value.error;
      return error === undefined ? { ok: true, steps: this.#steps } : { ok: false, message: error.message };
    } catch (error) {
      this.isOver = true;
      return { ok: false, message: error instanceof Error ? error.message : String(error) };
    }
  }

  async close(): Promise<void> {
    this.#offer(undefined);
    await this.#results.next().catch(() => undefined);
  }

  #nextOffer(): Promise<Replay | undefined> {
    return new Promise((resolve) => {
      this.#offer = resolve;
    });
  }

  async *#histories(): AsyncGenerator<Replay> {
    for (;;) {
      const offered = await this.#offered;
      if (offered === undefined) return;
      this.#offered = this.#nextOffer();
      yield offered;
    }
  }
}
