/** Signals to this process: they end the waiting, and once a command runs they are the command's. */
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
    // At a terminal Ctrl-C has reached the command already, and what it means there is the command's to say.
    if (this.#pass !== undefined && this.atTerminal && signal === 'SIGINT') return;
    this.#first ??= signal;
    this.#controller.abort();
    this.#pass?.(signal);
  }
}
