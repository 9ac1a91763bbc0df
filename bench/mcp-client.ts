import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

const answerSchema = z.looseObject({ id: z.number() });
type Answer = z.output<typeof answerSchema>;

/** The least that an MCP client can be: it writes a call and notes when the answer has come. */
export class McpClient {
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #last = 0;

  private constructor(
    private readonly child: ChildProcess,
    private readonly heapFile: string | undefined,
  ) {
    if (child.stdout === null) throw new Error('the server has no stdout');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const answer = answerSchema.parse(JSON.parse(line));
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  /**
   * Starts a server. Options of Node for the bench, such as `--cpu-prof`, hold for it too.
   *
   * @param heapFile where the server says how large its heap is, for `heapMb`
   */
  static async start(args: readonly string[], env: NodeJS.ProcessEnv, heapFile?: string): Promise<McpClient> {
    const figures = heapFile === undefined ? [] : ['--require', path.join(__dirname, 'heap-figures.js')];
    const child = spawn(process.execPath, [...process.execArgv, ...figures, ...args], {
      env: { ...env, ...(heapFile !== undefined && { HEAP_FIGURES: heapFile }) },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const client = new McpClient(child, heapFile);
    await client.ask('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'bench', version: '1' },
    });
    return client;
  }

  ask(method: string, params: object): Promise<Answer> {
    this.#last += 1;
    const id = this.#last;
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    return answer;
  }

  /** Pays a sum that policy permits alone. Returns how long the answer took. */
  async pay(expected: string): Promise<number> {
    const sentMs = performance.now();
    const answer = await this.ask('tools/call', {
      name: 'send_payment',
      arguments: { to: 'ACME', amount: 20, currency: 'EUR' },
    });
    const tookMs = performance.now() - sentMs;
    if (!JSON.stringify(answer).includes(expected)) throw new Error(`not paid: ${JSON.stringify(answer)}`);
    return tookMs;
  }

  /** Returns how many MB of memory the process takes, by the kernel. */
  memoryMb(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1_024;
  }

  /** Has the process collect its garbage and returns how many MB are left on its heap. */
  async heapMb(): Promise<number> {
    const file = this.heapFile;
    if (file === undefined) throw new Error('this server was not started to tell its heap');
    const figures = () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);
    const before = figures().length;
    this.child.kill('SIGUSR2');
    while (figures().length === before) await sleep(10);
    return Number(figures().at(-1)) / 1_048_576;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.stdin?.end();
    await ended;
  }
}
