/** Handles signals to this process: they end the waiting, and once a command runs they are passed on to it. */
export class Interruptions {
  readonly #controller = new AbortController();
  readonly #handlers = new Map<NodeJS.Signals, () => void>();
  #first: NodeJS.Signals | undefined;
  #pass: ((signal: NodeJS.Signals) => void) | undefined;

  constructor(readonly atTerminal: boolean) {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      const handler = () => this.#hear(signal);
      this.#handlers.set(signal, handler);
      process.on(signal, handler);
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get exitCode(): number {
    return this.#first === 'SIGHUP' ? 129 : this.#first === 'SIGTERM' ? 143 : 130;
  }

  passTo(pass: (signal: NodeJS.Signals) => void): void {
    this.#pass = pass;
    if (this.#first !== undefined) pass(this.#first);
  }

  forget(): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler);
  }

  #hear(signal: NodeJS.Signals): void {
    // At a terminal the command has already received Ctrl-C and decides what it means.
    if (this.#pass !== undefined && this.atTerminal && signal === 'SIGINT') return;
    this.#first ??= signal;
    this.#controller.abort();
    this.#pass?.(signal);
  }
}
