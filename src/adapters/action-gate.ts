import { setTimeout as sleep } from 'node:timers/promises';
import { digestOf } from '../domain/digest';
import type { Entitlement, ExecutionParameters } from '../domain/request';
import { isPassingStatus, isPendingStatus } from '../domain/status';
import { GatewayError, type Requester, type RequestStanding } from '../enforcement';
import { isJsonObject } from './json-object';

/** A text about a call, which may depend on its arguments. */
export type CallText = string | ((args: Arguments) => string);

/**
 * The terms on which calls of one tool are proposed. The action itself is the call, with its exact arguments. `catalogActions` reads them
 * from the catalog of a bundle.
 */
export interface ActionTerms {
  readonly entitlement: Entitlement;
  readonly target: CallText;
  readonly toolVersion?: string;
  readonly minutes: number;
  readonly ticket?: string;
  readonly containment: CallText;
  readonly rollback: CallText;
  /** Why, in plain words; the approvers read it. */
  readonly reason: CallText;
}

export type Arguments = Readonly<Record<string, unknown>>;

/** A tool call by a model. */
export interface ToolCall {
  readonly id: string;
  readonly tool: string;
  readonly arguments: Arguments;
}

export interface ActionGateOptions {
  /** Proposes calls as the agent. */
  readonly agent: Requester;
  /** Uses tokens as the identity that the catalog names as the audience of these actions. */
  readonly executor: Requester;
  /** Tools that are gated, by name. */
  readonly actions: Readonly<Record<string, ActionTerms>>;
  /** Distinguishes calls of different conversations, whose models may use the same call ids. */
  readonly conversation: string;
}

/** The status of a proposed call: people must decide it, it may be executed, or it never may. */
export interface Proposal {
  readonly request: string;
  readonly state: 'pending' | 'approved' | 'refused';
  readonly awaiting: readonly string[];
  readonly status: string;
  /** True if policy alone permitted it; people were not asked. */
  readonly byPolicy: boolean;
  readonly safeWay?: string;
}

/** A gated call was not executed. The message says why. */
export class NotExecuted extends Error {
  override readonly name = 'NotExecuted';

  constructor(
    message: string,
    readonly code: string,
  ) {
    super(message);
  }
}

/** Thrown by a tool that knows that its action did not happen, or was undone completely. */
export class NothingDone extends Error {
  override readonly name = 'NothingDone';
}

const ASSESSED_WITHIN_MS = 10_000;

/**
 * Stands between an agent framework and its tools. A call is proposed exactly as it was made, people or policy decide, and
 * the tool runs only after the single-use token for exactly this call has been used. What a framework says about approval
 * has no effect, so a forged or mistaken yes executes nothing.
 *
 * It keeps no state: the request of a call follows from the call. A conversation can continue in another process, and
 * a call with other arguments is another request.
 */
export class ActionGate {
  constructor(private readonly options: ActionGateOptions) {}

  isGated(tool: string): boolean {
    return Object.hasOwn(this.options.actions, tool);
  }

  /** Proposes a call, unless it is proposed already. If policy alone decides, the answer has the decision. */
  async propose(call: ToolCall): Promise<Proposal> {
    const { entitlement, minutes, ticket, ...texts } = this.#termsOf(call);
    const id = this.#requestOf(call);
    const textOf = (text: CallText) => textAbout(text, call);
    try {
      await this.options.agent.ask({
        id,
        entitlement,
        minutes,
        reason: textOf(texts.reason),
        ...(ticket !== undefined && { ticket }),
        action: {
          parameters: this.#parametersOf(call),
          containment: textOf(texts.containment),
          rollback: textOf(texts.rollback),
        },
      });
    } catch (error) {
      const isProposed = error instanceof GatewayError && error.status === 409;
      if (!isProposed) throw error;
    }
    return this.#untilStatus(id, ASSESSED_WITHIN_MS, (status) => !isPassingStatus(status));
  }

  /** Waits until a proposed call is decided, `withinMs` at most. */
  wait(call: ToolCall, withinMs: number, signal?: AbortSignal): Promise<Proposal> {
    return this.#untilStatus(this.#requestOf(call), withinMs, (status) => !isPendingStatus(status), signal);
  }

  /**
   * Executes an approved call, once. An error does not say what the tool had done before, so the outcome is recorded
   * as unknown, unless the tool throws `NothingDone`.
   *
   * @param hasThrown returns true for a result that the framework made from an error
   * @throws NotExecuted if the token cannot be fetched or used; then `work` was not called
   */
  async execute<T>(
    call: ToolCall,
    work: () => PromiseLike<T> | T,
    hasThrown: (result: T) => boolean = () => false,
  ): Promise<T> {
    await this.begin(call);
    try {
      const result = await work();
      await this.ended(call, hasThrown(result) ? 'unknown' : 'succeeded');
      return result;
    } catch (error) {
      await this.ended(call, error instanceof NothingDone ? 'failed' : 'unknown');
      throw error;
    }
  }

  /**
   * Uses up the approval of a call that somebody else executes next, such as a program that asks a hook first.
   *
   * @throws NotExecuted if the token cannot be fetched or used; then the call must not be executed
   */
  async begin(call: ToolCall): Promise<void> {
    const { agent, executor } = this.options;
    const parameters = this.#parametersOf(call);
    try {
      await executor.redeem(await agent.present(this.#requestOf(call)), parameters);
    } catch (error) {
      throw notExecuted(call, error);
    }
  }

  /** Records the outcome of a call that was begun. Ignores a failed report: the action has happened anyway. */
  async ended(call: ToolCall, outcome: 'succeeded' | 'failed' | 'unknown'): Promise<void> {
    await this.options.executor.reportOutcome(this.#requestOf(call), outcome).catch(() => undefined);
  }

  #termsOf({ tool }: ToolCall): ActionTerms {
    const terms = Object.hasOwn(this.options.actions, tool) ? this.options.actions[tool] : undefined;
    if (terms === undefined) throw new TypeError(`${tool} is not a gated tool`);
    return terms;
  }

  #parametersOf(call: ToolCall): ExecutionParameters {
    const { target, toolVersion = '1' } = this.#termsOf(call);
    if (!isJsonObject(call.arguments))
      throw new TypeError(`the arguments of ${call.tool} are not a JSON object`);
    return { tool: call.tool, toolVersion, target: textAbout(target, call), arguments: call.arguments };
  }

  /** The same call always has the same id, which reveals nothing about the call. */
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

  async #look(id: string): Promise<RequestStanding | undefined> {
    try {
      return await this.options.agent.look(id);
    } catch (error) {
      if (error instanceof GatewayError && error.status === 503) return undefined;
      throw error;
    }
  }
}

const textAbout = (text: CallText, call: ToolCall): string =>
  typeof text === 'string' ? text : text(call.arguments);

function proposalOf({ request, status, awaiting, policy, safe_way: safeWay }: RequestStanding): Proposal {
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

/** Returns what a model may learn about a proposal that was not approved. */
export function explainRefusal({ status, safeWay }: Proposal): string {
  const what =
    status === 'hard_stopped' ? 'This can never be approved; do not ask again.' : `It is ${status}.`;
  return safeWay === undefined ? what : `${what} The safe way: ${safeWay}`;
}

function notExecuted({ tool }: ToolCall, error: unknown): NotExecuted {
  if (!(error instanceof GatewayError)) return new NotExecuted(`${tool} was not executed`, 'UNREACHABLE');
  return new NotExecuted(`${tool} was not executed: ${error.message}`, error.code ?? String(error.status));
}

/**
 * Proposes a call. Returns true if people decide it, also after they have. A call that cannot be proposed needs nobody: whoever executes
 * it is told why not.
 */
export async function needsPeople(gate: ActionGate, call: ToolCall): Promise<boolean> {
  try {
    return !(await gate.propose(call)).byPolicy;
  } catch (error) {
    if (error instanceof NotExecuted) return false;
    throw error;
  }
}
