import type { History } from '@temporalio/common/lib/proto-utils';
import { type InjectedSinks, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import type { JournalSinks, JournalStep } from '../workflows/journal';

export type ReplayResult = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** What a replay brought to light: the steps that the workflow code of today takes over this history. */
export type ReplayedSteps =
  | { readonly ok: true; readonly steps: readonly JournalStep[] }
  | { readonly ok: false; readonly message: string };

/** Replays a history. It never rejects: what keeps a history from being replayed is a finding about it. */
export interface HistoryReplay {
  replay(history: History, workflowId: string): Promise<ReplayedSteps>;
}

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

interface Replay {
  readonly history: History;
  readonly workflowId: string;
}

/**
 * Replays one history after another in one worker of this process, and hears each step. Needs no server. It is for
 * histories as a server has written them: others can bring it to a standstill (see `ReplayProcess`). Close it with `close`.
 */
export class Replayer implements HistoryReplay {
  readonly #workflowBundle: WorkflowBundleOption;
  readonly #heard: (step: JournalStep) => void;
  #session: Session | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param options.heard is told of each step when it is taken */
  constructor(
    workflowBundle: WorkflowBundleOption,
    { heard = () => undefined }: { readonly heard?: (step: JournalStep) => void } = {},
  ) {
    this.#workflowBundle = workflowBundle;
    this.#heard = heard;
  }

  replay(history: History, workflowId: string): Promise<ReplayedSteps> {
    const result = this.#turn.then(() => this.#replay({ history, workflowId }));
    this.#turn = result;
    return result;
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#session?.close();
    this.#session = undefined;
  }

  async #replay(replay: Replay): Promise<ReplayedSteps> {
    this.#session ??= new Session(this.#workflowBundle, this.#heard);
    const result = await this.#session.replay(replay);
    if (this.#session.isOver) this.#session = undefined;
    return result;
  }
}

/** One worker. It takes the next history when the one before is done, so that each step is known to belong to it. */
class Session {
  readonly #results: AsyncIterator<{ readonly error?: Error }>;
  #steps: JournalStep[] = [];
  #offer: (replay: Replay | undefined) => void = () => undefined;
  #offered = this.#nextOffer();
  isOver = false;

  constructor(workflowBundle: WorkflowBundleOption, heard: (step: JournalStep) => void) {
    const record = {
      fn: (_: unknown, step: JournalStep) => {
        this.#steps.push(step);
        heard(step);
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
