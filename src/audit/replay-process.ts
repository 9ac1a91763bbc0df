import { type ChildProcess, fork } from 'node:child_process';
import type { History } from '@temporalio/common/lib/proto-utils';
import { temporal } from '@temporalio/proto';
import { REPLAY_PROGRAM } from '../project';
import type { JournalStep } from '../workflows/journal';
import type { HistoryReplay, ReplayedSteps } from './replay';

const { History: HistoryMessage } = temporal.api.history.v1;

/** What is said to the process that replays. */
export interface ToChild {
  readonly history: Uint8Array;
  readonly workflowId: string;
}

/** What it answers. Each step is a sign of life. */
export type FromChild =
  | { readonly type: 'ready' | 'done' }
  | { readonly type: 'step'; readonly step: JournalStep }
  | { readonly type: 'failed'; readonly message: string };

export interface ReplayLimits {
  /** A healthy history takes milliseconds a step. */
  readonly quietMs: number;
  readonly startsWithinMs: number;
  /** How long the process waits for another history before it ends. */
  readonly idleMs: number;
}

const LIMITS: ReplayLimits = { quietMs: 15_000, startsWithinMs: 60_000, idleMs: 20_000 };

/**
 * Replays one history after another in a process of its own, which is started when there is something to replay. One that
 * stands still or breaks down is ended, and is a finding about the history; the next history has a new process. Needs no
 * server. Close it with `close`.
 */
export class ReplayProcess implements HistoryReplay {
  readonly #limits: ReplayLimits;
  #child: Promise<ChildProcess> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;

  constructor(limits: Partial<ReplayLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Never rejects: what keeps a history from being replayed is a finding about it. */
  replay(history: History, workflowId: string): Promise<ReplayedSteps> {
    const result = this.#turn.then(async (): Promise<ReplayedSteps> => {
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
    this.#turn = result;
    return result;
  }

  async close(): Promise<void> {
    await this.#turn;
    clearTimeout(this.#idle);
    this.#end();
  }

  async #replay(history: History, workflowId: string): Promise<ReplayedSteps> {
    const encoded = HistoryMessage.encode(HistoryMessage.fromObject(history)).finish();
    this.#child ??= this.#start();
    const child = await this.#child;
    const steps: JournalStep[] = [];
    const answer = answerOf(child, this.#limits.quietMs, (message) => {
      if (message.type === 'step') steps.push(message.step);
      return message.type === 'step' ? undefined : message;
    });
    child.send({ history: encoded, workflowId } satisfies ToChild);
    const found = await answer;
    if (found === 'quiet' || found === 'gone') this.#end();
    if (found === 'quiet') return { ok: false, message: 'it brings what replays it to a standstill' };
    if (found === 'gone') return { ok: false, message: 'it brings down what replays it' };
    return found.type === 'failed' ? { ok: false, message: found.message } : { ok: true, steps };
  }

  async #start(): Promise<ChildProcess> {
    // What a process that breaks down says on its way is nobody's business; how it ended is in the finding.
    const child = fork(REPLAY_PROGRAM, {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const found = await answerOf(child, this.#limits.startsWithinMs, (message) => message);
    if (found !== 'quiet' && found !== 'gone') return child;
    child.kill('SIGKILL');
    this.#child = undefined;
    throw new Error('what replays histories does not start');
  }

  #end(): void {
    const child = this.#child;
    this.#child = undefined;
    void child?.then((one) => one.kill('SIGKILL')).catch(() => undefined);
  }
}

/** Hears a process until `heard` yields something, or it says nothing for so long, or it is gone. */
function answerOf(
  child: ChildProcess,
  quietMs: number,
  heard: (message: FromChild) => FromChild | undefined,
): Promise<FromChild | 'quiet' | 'gone'> {
  return new Promise((resolve) => {
    const settle = (found: FromChild | 'quiet' | 'gone') => {
      clearTimeout(timer);
      child.off('message', onMessage);
      for (const event of ['exit', 'error', 'disconnect']) child.off(event, onGone);
      resolve(found);
    };
    const onGone = () => settle('gone');
    const onMessage = (message: FromChild) => {
      timer.refresh();
      const found = heard(message);
      if (found !== undefined) settle(found);
    };
    const timer = setTimeout(() => settle('quiet'), quietMs);
    child.on('message', onMessage);
    for (const event of ['exit', 'error', 'disconnect']) child.once(event, onGone);
    // Gone before anybody listened.
    if (!child.connected) settle('gone');
  });
}
