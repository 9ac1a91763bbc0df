import { type ChildProcess, fork } from 'node:child_process';
import type { History } from '@temporalio/common/lib/proto-utils';
import { temporal } from '@temporalio/proto';
import { REPLAY_PROGRAM } from '../project';
import type { JournalStep } from '../workflows/journal';
import type { HistoryReplay, ReplayedSteps } from './replay';

const { History: HistoryMessage } = temporal.api.history.v1;

/** A message to the replaying process. */
export interface ToChild {
  readonly history: Uint8Array;
  readonly workflowId: string;
}

/** A message from it. Each step is a sign of life. */
export type FromChild =
  | { readonly type: 'ready' | 'done' }
  | { readonly type: 'step'; readonly step: JournalStep }
  | { readonly type: 'failed'; readonly message: string };

export interface ReplayLimits {
  /** The longest silence. A healthy history takes milliseconds for a step. */
  readonly silentMs: number;
  readonly startsWithinMs: number;
  /** How long the process waits for another history before it ends. */
  readonly idleMs: number;
}

const LIMITS: ReplayLimits = { silentMs: 15_000, startsWithinMs: 60_000, idleMs: 20_000 };

/**
 * Replays one history after another in a separate process, which is started on demand. If it
 * hangs or crashes, it is killed, and that is a finding about the history. The next history gets a new process. Needs no
 * server. Close it with `close`.
 */
export class ReplayProcess implements HistoryReplay {
  readonly #limits: ReplayLimits;
  #child: Promise<ChildProcess> | undefined;
  #previous: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;

  constructor(limits: Partial<ReplayLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Never rejects: a failed replay is a finding about the history. */
  replay(history: History, workflowId: string): Promise<ReplayedSteps> {
    const result = this.#previous.then(async (): Promise<ReplayedSteps> => {
      clearTimeout(this.#idle);
      const replayed = await this.#replay(history, workflowId).catch(
        (error: unknown): ReplayedSteps => ({
          ok: false,
          message: error instanceof Error ? error.message : String(error),
        }),
      );
      this.#idle = setTimeout(() => this.#end(), this.#limits.idleMs).unref();
      return replayed;
    });
    this.#previous = result;
    return result;
  }

  async close(): Promise<void> {
    await this.#previous;
    clearTimeout(this.#idle);
    this.#end();
  }

  async #replay(history: History, workflowId: string): Promise<ReplayedSteps> {
    const encoded = HistoryMessage.encode(HistoryMessage.fromObject(history)).finish();
    this.#child ??= this.#start();
    const child = await this.#child;
    const steps: JournalStep[] = [];
    const answer = answerOf(child, this.#limits.silentMs, (message) => {
      if (message.type === 'step') steps.push(message.step);
      return message.type === 'step' ? undefined : message;
    });
    child.send({ history: encoded, workflowId } satisfies ToChild);
    const message = await answer;
    if (message === 'silent' || message === 'gone') this.#end();
    if (message === 'silent') return { ok: false, message: 'the history makes the replay hang' };
    if (message === 'gone') return { ok: false, message: 'the history crashes the replay' };
    return message.type === 'failed' ? { ok: false, message: message.message } : { ok: true, steps };
  }

  async #start(): Promise<ChildProcess> {
    // The output of a crashing process is not needed; the finding says how it ended.
    const child = fork(REPLAY_PROGRAM, {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const message = await answerOf(child, this.#limits.startsWithinMs, (one) => one);
    if (message !== 'silent' && message !== 'gone') return child;
    child.kill('SIGKILL');
    this.#child = undefined;
    throw new Error('the process that replays histories does not start');
  }

  #end(): void {
    const child = this.#child;
    this.#child = undefined;
    void child?.then((one) => one.kill('SIGKILL')).catch(() => undefined);
  }
}

/** Listens to a process until `pick` returns a message, the process is silent for too long, or it exits. */
function answerOf(
  child: ChildProcess,
  silentMs: number,
  pick: (message: FromChild) => FromChild | undefined,
): Promise<FromChild | 'silent' | 'gone'> {
  return new Promise((resolve) => {
    const settle = (answer: FromChild | 'silent' | 'gone') => {
      clearTimeout(timer);
      child.off('message', onMessage);
      for (const event of ['exit', 'error', 'disconnect']) child.off(event, onGone);
      resolve(answer);
    };
    const onGone = () => settle('gone');
    const onMessage = (message: FromChild) => {
      timer.refresh();
      const picked = pick(message);
      if (picked !== undefined) settle(picked);
    };
    const timer = setTimeout(() => settle('silent'), silentMs);
    child.on('message', onMessage);
    for (const event of ['exit', 'error', 'disconnect']) child.once(event, onGone);
    // It may have exited before the listeners were attached.
    if (!child.connected) settle('gone');
  });
}
