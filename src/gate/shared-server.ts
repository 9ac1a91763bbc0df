import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { LoadedBundle, ToolDefinition } from '../policy';
import { notMade, tooLong } from './answers';
import type { Ran } from './approved-calls';
import type { RpcMessage } from './message';
import { isPassed, offeredOf, toolCallIn } from './tool-calls';
import type { CallDecision, ToolGate } from './tool-gate';
import { Upstream } from './upstream';

/** How long a server may take for one answer to somebody who calls over HTTP. */
const ANSWERS_WITHIN_MS = 120_000;
/** How long a server that ended is not started again. */
const STARTED_AGAIN_AFTER_MS = 1_000;

/** The gate of one agent. */
type Deciding = Pick<ToolGate, 'decide' | 'stateOf' | 'ended'>;

/** What a client without a stream can use. */
const greetingSchema = z.looseObject({
  protocolVersion: z.string(),
  capabilities: z.looseObject({
    tools: z.looseObject({}).optional(),
    prompts: z.looseObject({}).optional(),
    resources: z.looseObject({}).optional(),
    completions: z.looseObject({}).optional(),
  }),
});

const HELLO = {
  protocolVersion: '2025-06-18',
  capabilities: {},
};

/** These need a stream from the server to the client, and calls over HTTP are answered one by one. */
const NEEDS_STREAM = /^(resources\/(un)?subscribe|logging\/setLevel)$/;

type Answer =
  | { readonly result: unknown }
  | { readonly error: { readonly code: number; readonly message: string } };

export interface SharedServerOptions {
  /** Its name in the catalog. */
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly version: string;
  /** Passes on tools that the catalog does not map. */
  readonly observe: boolean;
  readonly bundle: () => Promise<LoadedBundle>;
}

/**
 * One MCP server that many clients share, each call by itself. It is started with the first call, and again after it ended. It knows
 * nothing of who calls: the gate decides for whom a call is made.
 */
export class SharedServer {
  #running: { readonly upstream: Upstream; readonly greeting: Promise<unknown> } | undefined;
  #startableAtMs = 0;
  #isStopped = false;

  constructor(private readonly options: SharedServerOptions) {}

  /** Returns the answer to a message of a client, or undefined if it needs none. */
  async answer({ id, method, params = {} }: RpcMessage, gate: Deciding): Promise<Answer | undefined> {
    if (id === undefined || method === undefined) return undefined;
    if (method === 'ping') return { result: {} };
    if (method === 'initialize') return this.#greet();
    if (method === 'tools/call') return this.#call(params, gate);
    if (!isPassed(method) || NEEDS_STREAM.test(method))
      return failure(-32_601, `the gate does not pass on ${method.slice(0, 64)}`);
    const answer = answerOf(await this.ran(method, params));
    if (method !== 'tools/list' || !('result' in answer)) return answer;
    const { name: server, bundle, observe } = this.options;
    const result = offeredOf(answer.result, { server, bundle: await bundle(), gate, observe });
    return result === undefined ? failure(-32_603, 'the server has no list of tools') : { result };
  }

  /** Calls a method of the server. */
  async ran(method: string, params: Readonly<Record<string, unknown>>): Promise<Ran> {
    const running = await this.#started();
    if (running === undefined) return { kind: 'gone' };
    const { upstream } = running;
    const given = new AbortController();
    const late = sleep(ANSWERS_WITHIN_MS, { kind: 'gone' } as const, { signal: given.signal }).catch(
      () => ({ kind: 'gone' }) as const,
    );
    try {
      return await Promise.race([upstream.call(method, params), late]);
    } finally {
      given.abort();
    }
  }

  async definitionOf(tool: string, isFresh = false): Promise<ToolDefinition | undefined> {
    return (await this.#started())?.upstream.definitionOf(tool, isFresh);
  }

  stop(): void {
    this.#isStopped = true;
    this.#running?.upstream.end();
  }

  async #greet(): Promise<Answer> {
    const running = await this.#started();
    const greeting = greetingSchema.safeParse(await running?.greeting);
    if (!greeting.success) return failure(-32_000, 'the server cannot be reached');
    const { tools, prompts, resources, completions } = greeting.data.capabilities;
    const capabilities = {
      ...(tools && { tools: {} }),
      ...(prompts && { prompts: {} }),
      ...(resources && { resources: {} }),
      ...(completions && { completions: {} }),
    };
    return { result: { ...greeting.data, capabilities } };
  }

  async #call(params: unknown, gate: Deciding): Promise<Answer> {
    const { name: server, bundle } = this.options;
    const { catalog } = (await bundle()).context;
    const call = toolCallIn(params, (tool) => catalog.tool(server, tool));
    if (call === undefined) return failure(-32_602, 'this is not a call of a tool');
    const decision = await gate.decide(call);
    return decision.kind === 'pass' ? this.#pass(call.name, decision, gate) : answerOf(decision);
  }

  async #pass(
    name: string,
    decision: Extract<CallDecision, { kind: 'pass' }>,
    gate: Deciding,
  ): Promise<Answer> {
    const ran = await this.ran('tools/call', { name, arguments: decision.arguments });
    gate.ended(decision.call, ran.kind === 'gone' ? undefined : ran);
    const { mostBytes } = decision;
    const bytes = mostBytes === undefined ? 0 : Buffer.byteLength(JSON.stringify(ran));
    return mostBytes !== undefined && bytes > mostBytes
      ? { result: tooLong(bytes, mostBytes) }
      : answerOf(ran);
  }

  /** Starts the server if it does not run. Returns undefined if it cannot be started now. */
  async #started() {
    if (this.#isStopped || this.#running !== undefined) return this.#running;
    if (Date.now() < this.#startableAtMs) return undefined;
    this.#startableAtMs = Date.now() + STARTED_AGAIN_AFTER_MS;
    const { command, env, version } = this.options;
    // What a server says by itself has nobody to go to.
    const upstream = new Upstream(command, env, () => undefined);
    const greeting = upstream
      .call('initialize', { ...HELLO, clientInfo: { name: 'countersign', version } })
      .then((ran) => (ran.kind === 'result' ? ran.result : undefined));
    const running = { upstream, greeting };
    this.#running = running;
    void upstream.run().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    if ((await greeting) !== undefined)
      upstream.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return running;
  }
}

const failure = (code: number, message: string): Answer => ({ error: { code, message } });

function answerOf(settled: Exclude<CallDecision, { kind: 'pass' }>): Answer {
  switch (settled.kind) {
    case 'result':
      return { result: settled.result };
    case 'error':
      return { error: settled.error };
    case 'gone':
      return failure(-32_000, 'the server ended before it answered, or took too long');
    case 'not-made':
      return { result: notMade(settled) };
  }
}
