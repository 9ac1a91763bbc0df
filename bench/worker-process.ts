import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { useOf } from './machine';
import type { Span, WorkerNote, WorkerPlace } from './side';

const GRANTED_WITHIN_MS = 90_000;

/** The client's handle of a worker in a process of its own. */
export class WorkerProcess {
  readonly #waiting = new Map<string, (atMs: number) => void>();
  readonly #child: ChildProcess;
  #onNumber: ((value: number) => void) | undefined;
  #onSpans: ((spans: readonly Span[]) => void) | undefined;

  private constructor(child: ChildProcess, onReady: () => void) {
    this.#child = child;
    child.on('message', (note: WorkerNote) => {
      if (note.kind === 'ready') onReady();
      else if (note.kind === 'number') this.#onNumber?.(note.value);
      else if (note.kind === 'spans') this.#onSpans?.(note.spans);
      else {
        this.#waiting.get(note.id)?.(note.atMs);
        this.#waiting.delete(note.id);
      }
    });
  }

  /** Resolves once the worker polls. */
  static async start(place: WorkerPlace): Promise<WorkerProcess> {
    const { profileDir } = place;
    const child = fork(path.join(__dirname, 'side-worker.js'), {
      stdio: ['ignore', process.stderr, 'inherit', 'ipc'],
      execArgv: profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`],
    });
    return new Promise((resolve, reject) => {
      child.once('exit', () => reject(new Error(`the worker of ${place.side} ended`)));
      const worker = new WorkerProcess(child, () => resolve(worker));
      child.send(place);
    });
  }

  /**
   * Resolves with the time of the grant, by the clock that all processes share. Call it before anything that may cause the grant.
   *
   * @throws if the grant does not come within a minute and a half
   */
  granted(id: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const tooLate = setTimeout(() => reject(new Error(`${id} was not granted`)), GRANTED_WITHIN_MS);
      this.#waiting.set(id, (atMs) => {
        clearTimeout(tooLate);
        resolve(atMs);
      });
    });
  }

  /** Kilobytes of heap in use after a garbage collection. */
  heapKb(): Promise<number> {
    return this.#ask('heap');
  }

  /** How many queries the worker has sent to PostgreSQL since it began. */
  queries(): Promise<number> {
    return this.#ask('queries');
  }

  /** Returns what was noted since the last call. */
  spans(): Promise<readonly Span[]> {
    return new Promise((resolve) => {
      this.#onSpans = resolve;
      this.#child.send('spans');
    });
  }

  #ask(what: string): Promise<number> {
    return new Promise((resolve) => {
      this.#onNumber = resolve;
      this.#child.send(what);
    });
  }

  use() {
    return useOf(this.#child.pid ?? 0);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.send('stop');
    await ended;
  }
}
