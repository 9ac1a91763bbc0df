import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const answerSchema = z.looseObject({ id: z.number() });
type Answer = z.output<typeof answerSchema>;

/** The least that an MCP client can be: it writes a call and notes when the answer has come. */
export class McpClient {
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #last = 0;

  private constructor(private readonly child: ChildProcess) {
    if (child.stdout === null) throw new Error('the server has no stdout');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const answer = answerSchema.parse(JSON.parse(line));
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  /** Options of Node for the bench, such as `--cpu-prof`, hold for the server too. */
  static async start(args: readonly string[], env: NodeJS.ProcessEnv): Promise<McpClient> {
    const child = spawn(process.execPath, [...process.execArgv, ...args], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    const client = new McpClient(child);
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

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.stdin?.end();
    await ended;
  }
}
