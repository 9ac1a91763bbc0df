import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import type { LoadedBundle } from '../policy';
import { notMade, tooLong } from './answers';
import { linesOf } from './lines';
import { lineOf, type MessageId, type RpcMessage, readClientMessage } from './message';
import { PageShower } from './page-shower';
import { isPassed, offeredOf, toolCallIn } from './tool-calls';
import type { CallDecision, ToolGate } from './tool-gate';
import type { Upstream } from './upstream';

const cancelledSchema = z.looseObject({ requestId: z.union([z.string(), z.number()]) });

export interface StdioGateOptions {
  readonly server: string;
  readonly bundle: () => Promise<LoadedBundle>;
  readonly gate: Pick<ToolGate, 'decide' | 'stateOf' | 'ended'>;
  readonly observe: boolean;
  readonly input: Readable;
  readonly output: Writable;
}

/** What a message that was passed on waits for: the end of a call, with its number in the record, or only an answer. */
interface Passed {
  readonly method: string;
  readonly call?: string;
  readonly mostBytes?: number | undefined;
}

/**
 * Stands between one client and one server, on their standard streams. What the server says reaches the client byte for byte, but
 * for the list of tools. What the client says is written anew, so that every reader reads it alike; calls of tools go
 * through the gate.
 */
export class StdioGate {
  readonly #passed = new Map<MessageId, Passed>();
  readonly #held = new Set<MessageId>();
  readonly #settling = new Set<Promise<void>>();
  readonly #pages = new PageShower((message) => this.#say(message));
  #upstream: Pick<Upstream, 'send'> | undefined;

  constructor(private readonly options: StdioGateOptions) {}

  /** Reads the client's messages until it closes the connection. */
  async serve(upstream: Pick<Upstream, 'send'>): Promise<void> {
    this.#upstream = upstream;
    for await (const line of linesOf(this.options.input)) {
      if (line.length === 0) continue;
      const read = readClientMessage(line);
      if (read.ok) this.#take(read.message);
      else this.#say({ jsonrpc: '2.0', id: null, error: { code: -32_600, message: read.why } });
    }
    await this.settled();
  }

  /** Resolves once every call that was taken has its answer. */
  async settled(): Promise<void> {
    await Promise.all(this.#settling);
  }

  /** Takes a message of the server. An answer that nothing waits for is dropped: it could be taken for that of a held call. */
  fromServer(message: RpcMessage, line: Buffer): void {
    const { id, method } = message;
    // A client could take a request that has a result for an answer.
    if (method !== undefined && ('result' in message || 'error' in message)) return;
    const passed = id === undefined || method !== undefined ? undefined : this.#passed.get(id);
    if (method === undefined && passed === undefined) return;
    if (id !== undefined && passed !== undefined) this.#passed.delete(id);
    const { mostBytes } = passed ?? {};
    if (passed?.method === 'tools/list') this.#follow(this.#offer(message, line));
    else if (mostBytes !== undefined && line.length > mostBytes)
      this.#say({ jsonrpc: '2.0', id, result: tooLong(line.length, mostBytes) });
    else this.options.output.write(withNewline(line));
    if (passed?.call !== undefined)
      this.options.gate.ended(passed.call, { result: message['result'], error: message['error'] });
  }

  /** Answers what still waits, once the server has ended. */
  serverEnded(): void {
    for (const [id, { call }] of this.#passed) {
      if (call !== undefined) this.options.gate.ended(call, undefined);
      this.#fail(id, -32_000, 'the server ended before it answered');
    }
    this.#passed.clear();
  }

  #take(message: RpcMessage): void {
    const { id, method } = message;
    if (method === 'initialize') this.#pages.greeted(message.params);
    // A client's answer to a request of the gate or of the server.
    if (method === undefined) void (this.#pages.answered(id) || this.#upstream?.send(message));
    else if (id !== undefined && (this.#passed.has(id) || this.#held.has(id)))
      this.#fail(id, -32_600, 'this id is in use');
    // A call without an id is not a call: nobody would hear what became of it.
    else if (method === 'tools/call') this.#follow(id === undefined ? NOTHING : this.#call(id, message));
    else this.#pass(id, method, message);
  }

  #pass(id: MessageId | undefined, method: string, message: RpcMessage): void {
    const cancelled =
      method === 'notifications/cancelled' ? cancelledSchema.safeParse(message.params) : undefined;
    // The server knows nothing of a call that is held here.
    if (cancelled?.success === true && this.#held.has(cancelled.data.requestId)) return;
    if (!isPassed(method)) {
      if (id !== undefined) this.#fail(id, -32_601, `the gate does not pass on ${method}`);
      return;
    }
    if (id !== undefined) this.#passed.set(id, { method });
    this.#upstream?.send(message);
  }

  async #call(id: MessageId, message: RpcMessage): Promise<void> {
    this.#held.add(id);
    try {
      const { server, bundle, gate } = this.options;
      const { catalog } = (await bundle()).context;
      const call = toolCallIn(message.params, (tool) => catalog.tool(server, tool));
      if (call === undefined) this.#fail(id, -32_602, 'this is not a call of a tool');
      else await this.#answer(id, message, await gate.decide(call));
    } catch {
      this.#fail(id, -32_603, 'the gate could not decide on this call, so it was not made');
    } finally {
      this.#held.delete(id);
    }
  }

  async #answer(id: MessageId, message: RpcMessage, decision: CallDecision): Promise<void> {
    switch (decision.kind) {
      case 'pass':
        this.#passed.set(id, {
          method: 'tools/call',
          call: decision.call,
          mostBytes: decision.mostBytes,
        });
        this.#upstream?.send({ ...message, params: { ...message.params, arguments: decision.arguments } });
        break;
      case 'result':
        this.#say({ jsonrpc: '2.0', id, result: decision.result });
        break;
      case 'error':
        this.#say({ jsonrpc: '2.0', id, error: decision.error });
        break;
      case 'gone':
        this.#fail(id, -32_000, 'the server ended before it answered');
        break;
      case 'not-made':
        if (decision.code === 'APPROVAL_NEEDED' && decision.request && decision.page)
          await this.#pages.show(decision.request, decision.page);
        this.#say({ jsonrpc: '2.0', id, result: notMade(decision) });
        break;
    }
  }

  /** Passes on a list of tools without those that cannot be called. */
  async #offer(message: RpcMessage, line: Buffer): Promise<void> {
    const { bundle, ...offering } = this.options;
    const result = offeredOf(message['result'], { ...offering, bundle: await bundle() });
    if (result === undefined) this.options.output.write(withNewline(line));
    else this.#say({ ...message, result });
  }

  #follow(work: Promise<void>): void {
    this.#settling.add(work);
    void work.finally(() => this.#settling.delete(work));
  }

  #fail(id: MessageId, code: number, message: string): void {
    this.#say({ jsonrpc: '2.0', id, error: { code, message } });
  }

  #say(message: unknown): void {
    this.options.output.write(lineOf(message));
  }
}

const NOTHING = Promise.resolve();
const NEWLINE = Buffer.from('\n');
const withNewline = (line: Buffer): Buffer => Buffer.concat([line, NEWLINE]);
