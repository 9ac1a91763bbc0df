import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import type { ToolDefinition } from '../policy';
import type { Ran } from './approved-calls';
import { definitionsIn } from './definitions';
import { linesOf } from './lines';
import { lineOf, type MessageId, type RpcMessage, readServerMessage } from './message';

const errorSchema = z.object({ code: z.number(), message: z.string() });
const pageSchema = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.string().optional() });

/** Pages of a list of tools that are read at most. */
const MOST_PAGES = 100;

/** The MCP server behind the gate: a process of the gate's own, with credentials that the agent does not have. */
export class Upstream {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  /** No client can guess it, so no message of a client is taken for one of the gate's. */
  readonly #own = `countersign-${randomUUID()}-`;
  readonly #waiting = new Map<MessageId, (ran: Ran) => void>();
  #asked = 0;
  #isOver = false;
  #definitions: ReadonlyMap<string, ToolDefinition> | undefined;
  #listing: Promise<ReadonlyMap<string, ToolDefinition>> | undefined;

  constructor(
    [program = '', ...args]: readonly string[],
    env: Readonly<Record<string, string>>,
    /** Gets every message that is not an answer to the gate itself, with the bytes in which it came. */
    private readonly onMessage: (message: RpcMessage, line: Buffer) => void,
  ) {
    this.#child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    // Writing to a server that has ended fails; what waits for it learns that from its exit.
    this.#child.stdin.on('error', () => undefined);
  }

  /** Reads what the server says, until it ends. Returns its exit code, or 127 if it cannot be started. */
  async run(): Promise<number> {
    const exited = new Promise<number>((resolve) => {
      this.#child.once('error', () => resolve(127));
      this.#child.once('close', (code) => resolve(code ?? 1));
    });
    try {
      for await (const line of linesOf(this.#child.stdout)) this.#take(line);
    } catch {
      this.#child.kill('SIGKILL');
    }
    const code = await exited;
    this.#isOver = true;
    for (const done of this.#waiting.values()) done({ kind: 'gone' });
    this.#waiting.clear();
    return code;
  }

  send(message: unknown): void {
    if (!this.#isOver) this.#child.stdin.write(lineOf(message));
  }

  /** Ends the server, first by closing its input, as the protocol has it. */
  end(): void {
    this.#child.stdin.end();
    setTimeout(() => this.#child.kill('SIGTERM'), 2_000).unref();
    setTimeout(() => this.#child.kill('SIGKILL'), 4_000).unref();
  }

  /** Calls a method for the gate itself. The first answer counts. */
  call(method: string, params: Readonly<Record<string, unknown>>): Promise<Ran> {
    if (this.#isOver) return Promise.resolve({ kind: 'gone' });
    this.#asked += 1;
    const id = `${this.#own}${this.#asked}`;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.send({ jsonrpc: '2.0', id, method, params });
    });
  }

  /** Returns what the server says of a tool. What it said before counts until it says that its tools have changed. */
  async definitionOf(tool: string, isFresh = false): Promise<ToolDefinition | undefined> {
    const known = isFresh ? undefined : this.#definitions;
    return (known ?? (await this.definitions())).get(tool);
  }

  /** Asks the server for its tools. */
  async definitions(): Promise<ReadonlyMap<string, ToolDefinition>> {
    this.#listing ??= this.#list().finally(() => {
      this.#listing = undefined;
    });
    const definitions = await this.#listing;
    this.#definitions = definitions;
    return definitions;
  }

  async #list(): Promise<ReadonlyMap<string, ToolDefinition>> {
    const tools: unknown[] = [];
    let cursor: string | undefined;
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      const ran = await this.call('tools/list', cursor === undefined ? {} : { cursor });
      const page = ran.kind === 'result' ? pageSchema.safeParse(ran.result) : undefined;
      if (page?.success !== true) return new Map();
      tools.push(...page.data.tools);
      cursor = page.data.nextCursor;
      if (cursor === undefined) break;
    }
    return definitionsIn(tools);
  }

  #take(line: Buffer): void {
    const message = readServerMessage(line);
    // What is no message may be a log line. A client could read it as something else than the gate does.
    if (message === undefined) return;
    const { id, method } = message;
    if (method === 'notifications/tools/list_changed') this.#definitions = undefined;
    if (method === undefined && typeof id === 'string' && id.startsWith(this.#own))
      this.#answered(id, message);
    else this.onMessage(message, line);
  }

  /** A second answer, and an answer to nothing, count for nothing. */
  #answered(id: string, message: RpcMessage): void {
    const done = this.#waiting.get(id);
    if (done === undefined) return;
    this.#waiting.delete(id);
    const error = errorSchema.safeParse(message['error']);
    done(
      error.success ? { kind: 'error', error: error.data } : { kind: 'result', result: message['result'] },
    );
  }
}
