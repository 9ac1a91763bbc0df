import { setTimeout as sleep } from 'node:timers/promises';
import { digestOf } from '../domain/digest';
import type { Entitlement, ExecutionParameters } from '../domain/request';
import { isPassingStatus, isPendingStatus } from '../domain/state';
import { GatewayError, type Requester, type Standing } from '../enforcement';
import { isJsonObject } from './json-object';

/** On which terms calls of one tool are proposed. What is executed is the call itself, argument by argument. */
export interface ActionTerms {
  readonly entitlement: Entitlement;
  readonly target: string;
  readonly toolVersion?: string;
  readonly minutes: number;
  readonly ticket?: string;
  readonly containment: string;
  readonly rollback: string;
  /** Why, in plain words; the approvers read it. */
  readonly reason: string | ((given: Arguments) => string);
}

export type Arguments = Readonly<Record<string, unknown>>;

/** A call that a model has made. */
export interface ToolCall {
  readonly id: string;
  readonly tool: string;
  readonly arguments: Arguments;
}

export interface ActionGateOptions {
  /** Proposes, as the agent. */
  readonly agent: Requester;
  /** Uses tokens, as the identity that the catalog names as the audience of these actions. */
  readonly executor: Requester;
  /** Tools that are gated, by name. */
  readonly actions: Readonly<Record<string, ActionTerms>>;
  /** Tells calls of one conversation from those of another, whose model may number them alike. */
  readonly conversation: string;
}

/** Where a proposed call stands: to be decided by people, to be executed, or never to be. */
export interface Proposal {
  readonly request: string;
  readonly state: 'pending' | 'approved' | 'refused';
  readonly awaiting: readonly string[];
  readonly status: string;
  /** Policy alone has let it through; people were not asked. */
  readonly byPolicy: boolean;
  readonly safeWay?: string;
}

/** A gated call that was not executed. The message says why, and what safe way there is. */
export class NotExecuted extends Error {
  override readonly name = 'NotExecuted';

  constructor(
    message: string,
    readonly code: string,
  ) {
    super(message);
  }
}

/** For a tool to throw that knows that nothing of its action has happened, or that nothing of it stayed. */
export class NothingDone extends Error {
  override readonly name = 'NothingDone';
}

const ASSESSED_WITHIN_MS = 10_000;

/**
 * Stands between an agent framework and its tools: a call is proposed exactly as it was made, people or policy decide, and
 * the tool runs only once the single-use token for exactly this call has been used. What a framework says about approval
 * moves nothing here, so that a forged or mistaken yes of it executes nothing.
 *
 * It keeps nothing: the request of a call follows from the call, so that a conversation may go on in another process, and
 * a call with other arguments is another request.
 */
export class ActionGate {
  constructor(private readonly options: ActionGateOptions) {}

  isGated(tool: string): boolean {
    return Object.hasOwn(this.options.actions, tool);
  }

  /** Proposes a call, or finds it proposed. What policy decides by itself is decided in the answer. */
  async propose(call: ToolCall): Promise<Proposal> {
    const { entitlement, minutes, ticket, reason, containment, rollback } = this.#termsOf(call);
    const id = this.#requestOf(call);
    try {
      await this.options.agent.ask({
        id,
        entitlement,
        minutes,
        reason: typeof reason === 'string' ? reason : reason(call.arguments),
        ...(ticket !== undefined && { ticket }),
        action: { parameters: this.#parametersOf(call), containment, rollback },
      });
    } catch (error) {
      const isProposed = error instanceof GatewayError && error.status === 409;
      if (!isProposed) throw error;
    }
    return this.#untilStatus(id, ASSESSED_WITHIN_MS, (status) => !isPassingStatus(status));
  }

  /** Waits until a proposed call is decided, or until the time is over. */
  wait(call: ToolCall, withinMs: number, signal?: AbortSignal): Promise<Proposal> {
    return this.#untilStatus(this.#requestOf(call), withinMs, (status) => !isPendingStatus(status), signal);
  }

  /**
   * Executes a call that was approved, once. What a tool throws says nothing of what it has done before: that is on record
   * as unknown, unless it throws `NothingDone`.
   *
   * @param hasThrown whether a result stands for something thrown, which the framework has turned into words
   * @throws NotExecuted where its token cannot be had or used; `work` was not called then
   */
  async execute<T>(
    call: ToolCall,
    work: () => PromiseLike<T> | T,
    hasThrown: (result: T) => boolean = () => false,
  ): Promise<T> {
    const { agent, executor } = this.options;
    const request = this.#requestOf(call);
    try {
      await executor.redeem(await agent.present(request), this.#parametersOf(call));
    } catch (error) {
      throw notExecuted(call, error);
    }
    try {
      const result = await work();
      await this.#report(request, hasThrown(result) ? 'unknown' : 'succeeded');
      return result;
    } catch (error) {
      await this.#report(request, error instanceof NothingDone ? 'failed' : 'unknown');
      throw error;
    }
  }

  #termsOf({ tool }: ToolCall): ActionTerms {
    const terms = Object.hasOwn(this.options.actions, tool) ? this.options.actions[tool] : undefined;
    if (terms === undefined) throw new TypeError(`${tool} is not a gated tool`);
    return terms;
  }

  #parametersOf(call: ToolCall): ExecutionParameters {
    const { target, toolVersion = '1' } = this.#termsOf(call);
    if (!isJsonObject(call.arguments))
      throw new TypeError(`the arguments of ${call.tool} are no JSON object`);
    return { tool: call.tool, toolVersion, target, arguments: call.arguments };
  }

  /** The same call has the same id, for ever; it says nothing about the call. */
  #requestOf(call: ToolCall): string {
    const about = { conversation: this.options.conversation, call: call.id };
    const digest = digestOf({ ...about, parameters: this.#parametersOf(call) });
    return `call_${digest.slice('sha-256:'.length)}`;
  }

  async #untilStatus(
    id: string,
    withinMs: number,
    holds: (status: string) => boolean,
    signal?: AbortSignal,
  ): Promise<Proposal> {
    const untilMs = Date.now() + withinMs;
    for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 1.5, 2_000)) {
      const standing = await this.#look(id);
      const isLast = Date.now() + pauseMs > untilMs || signal?.aborted === true;
      if (standing !== undefined && (holds(standing.status) || isLast)) return proposalOf(standing);
      if (isLast)
        return { request: id, state: 'pending', awaiting: [], status: 'submitted', byPolicy: false };
      await sleep(pauseMs, undefined, { ...(signal && { signal }) }).catch(() => undefined);
    }
  }

  async #look(id: string): Promise<Standing | undefined> {
    try {
      return await this.options.agent.look(id);
    } catch (error) {
      if (error instanceof GatewayError && error.status === 503) return undefined;
      throw error;
    }
  }

  /** What was done is done, also where it cannot be put on record now. */
  async #report(request: string, outcome: 'succeeded' | 'failed' | 'unknown'): Promise<void> {
    await this.options.executor.reportOutcome(request, outcome).catch(() => undefined);
  }
}

function proposalOf({ request, status, awaiting, policy, safe_way: safeWay }: Standing): Proposal {
  const state = status === 'active' ? 'approved' : isPendingStatus(status) ? 'pending' : 'refused';
  const byPolicy = policy?.outcome === 'permit';
  return {
    request: request.id,
    state,
    awaiting,
    status,
    byPolicy,
    ...(safeWay !== undefined && { safeWay }),
  };
}

/** What a model may be told of a proposal that was not approved. */
export function explainRefusal({ status, safeWay }: Proposal): string {
  const what =
    status === 'hard_stopped' ? 'This can never be approved; do not ask again.' : `It is ${status}.`;
  return safeWay === undefined ? what : `${what} The safe way: ${safeWay}`;
}

function notExecuted({ tool }: ToolCall, error: unknown): NotExecuted {
  if (!(error instanceof GatewayError)) return new NotExecuted(`${tool} was not executed`, 'UNREACHABLE');
  return new NotExecuted(`${tool} was not executed: ${error.message}`, error.code ?? String(error.status));
}
