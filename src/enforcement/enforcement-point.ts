import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { GatewayError } from './gateway-error';
import type { HolderKey } from './holder-key';

export interface Entity {
  readonly type: string;
  readonly id: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}
export interface Evaluation {
  readonly subject: Entity;
  readonly action: { readonly name: string; readonly properties?: Readonly<Record<string, unknown>> };
  readonly resource: Entity;
  readonly context?: Readonly<Record<string, unknown>>;
}

const decisionSchema = z.object({
  decision: z.boolean(),
  context: z
    .looseObject({
      reason: z.string().optional(),
      next_action: z.string().optional(),
      retry_after: z.number().optional(),
      evaluation_id: z.string().optional(),
      evaluated_at: z.string().optional(),
      access_request: z
        .looseObject({
          endpoint: z.string().optional(),
          template: z.string().optional(),
          expires_at: z.string(),
          binding_token: z.string().optional(),
        })
        .optional(),
    })
    .optional(),
});
export type Decision = z.output<typeof decisionSchema>;

const resultSchema = z.looseObject({
  mode: z.string(),
  approval: z.looseObject({ id: z.string(), approved_until: z.string() }).optional(),
  execution: z.looseObject({ request: z.string() }).optional(),
});
const taskSchema = z.object({
  task: z.looseObject({
    id: z.string(),
    status: z.string(),
    status_endpoint: z.string(),
    expires_at: z.string().optional(),
  }),
  result: resultSchema.optional(),
});
export type TaskAnswer = z.output<typeof taskSchema>;

const metadataSchema = z.object({
  policy_decision_point: z.string(),
  access_evaluation_endpoint: z.string(),
  access_request_endpoint: z.string().optional(),
});
const tokenSchema = z.looseObject({ token: z.string(), audience: z.string(), expires_at: z.string() });
export type ExecutionToken = z.output<typeof tokenSchema>;

export interface EnforcementOptions {
  /** Identifier of the decision point, from which its metadata is found. */
  readonly decisionPoint: string;
  /** The caller's own access token, asked for each call: it may be a new one. */
  readonly accessToken: () => Promise<string>;
  /** The key that execution tokens are bound to; also shown with access tokens that are bound to it. */
  readonly holderKey?: HolderKey;
  readonly boundAccessToken?: boolean;
  readonly fetch?: typeof fetch;
}

const TIMEOUT_MS = 40_000;
const NOT_OVER: readonly string[] = ['pending'];

/**
 * The enforcing side of the two specifications. It fails closed: what is not a yes of the decision point, understood
 * in full, is a no. A task that is approved is not a yes; only the evaluation after it is.
 */
export class EnforcementPoint {
  readonly #options: EnforcementOptions;
  #metadata: Promise<z.output<typeof metadataSchema>> | undefined;

  constructor(options: EnforcementOptions) {
    this.#options = options;
  }

  async evaluate(evaluation: Evaluation): Promise<Decision> {
    const { access_evaluation_endpoint: endpoint } = await this.#discover();
    return decisionSchema.parse(await this.#call('POST', endpoint, evaluation));
  }

  /**
   * Asks for what was denied. Only a denial that says it can be requested is answered, at an endpoint of the decision
   * point's own origin, with what it gave us returned as it was.
   */
  async request(
    evaluation: Evaluation,
    denial: Decision,
    additions: {
      readonly context: Readonly<Record<string, unknown>>;
      readonly requestedAccess?: Readonly<Record<string, unknown>>;
      readonly idempotencyKey?: string;
      readonly callback?: Readonly<Record<string, unknown>>;
    },
  ): Promise<TaskAnswer> {
    const { access_request: requestable, evaluation_id, evaluated_at, reason } = denial.context ?? {};
    if (denial.decision || requestable === undefined)
      throw new TypeError('this is no denial that can be requested');
    const { access_request_endpoint: advertised } = await this.#discover();
    const endpoint = requestable.endpoint ?? advertised;
    if (
      endpoint === undefined ||
      advertised === undefined ||
      new URL(endpoint).origin !== new URL(advertised).origin
    )
      throw new GatewayError(0, 'untrusted', 'the denial names an endpoint that is not the decision point’s');
    const body = {
      subject: evaluation.subject,
      resource: evaluation.resource,
      action: evaluation.action,
      context: { ...evaluation.context, ...additions.context },
      ...(additions.requestedAccess && { requested_access: additions.requestedAccess }),
      ...(additions.callback && { callback: additions.callback }),
      denial: {
        ...(evaluation_id !== undefined && { evaluation_id }),
        ...(evaluated_at !== undefined && { evaluated_at }),
        expires_at: requestable.expires_at,
        ...(reason !== undefined && { reason }),
        ...(requestable.binding_token !== undefined && { binding_token: requestable.binding_token }),
        ...(requestable.template !== undefined && { template: requestable.template }),
      },
    };
    const headers = { 'idempotency-key': additions.idempotencyKey ?? randomUUID() };
    return taskSchema.parse(await this.#call('POST', endpoint, body, headers));
  }

  /** Waits until a task is over, by long polls with a growing pause. Yields what it came to. */
  async wait(task: TaskAnswer, { timeoutMs }: { readonly timeoutMs: number }): Promise<TaskAnswer> {
    const untilMs = Date.now() + timeoutMs;
    const { status_endpoint: address } = task.task;
    for (let current = task, pauseMs = 0; ; pauseMs = Math.min(pauseMs * 2 + 250, 60_000)) {
      if (!NOT_OVER.includes(current.task.status)) return current;
      const leftMs = untilMs - Date.now();
      if (leftMs <= 0) throw new GatewayError(0, 'timeout', `task ${current.task.id} is still pending`);
      await sleep(Math.min(leftMs, pauseMs * (0.5 + Math.random() / 2)));
      const seconds = Math.max(0, Math.min(20, Math.floor((untilMs - Date.now()) / 1_000)));
      current = taskSchema.parse(await this.#call('GET', address, undefined, { prefer: `wait=${seconds}` }));
    }
  }

  /** The evaluation after approval: the one thing that lets an operation go on. */
  async reevaluate(evaluation: Evaluation, { task, result }: TaskAnswer): Promise<Decision> {
    const usable =
      task.status === 'approved' && result?.mode === 'reevaluate' && result.approval !== undefined
        ? result.approval
        : undefined;
    if (usable === undefined || Date.now() >= Date.parse(usable.approved_until))
      return { decision: false, context: { reason: 'not_approved', next_action: 'none' } };
    return this.evaluate({ ...evaluation, context: { ...evaluation.context, approval: usable } });
  }

  /** A token for an approved execution, bound to this process's key. */
  async executionToken(answer: TaskAnswer): Promise<ExecutionToken> {
    const requestId = answer.result?.execution?.request;
    if (answer.task.status !== 'approved' || requestId === undefined)
      throw new TypeError('there is no approved execution');
    return this.executionTokenFor(requestId);
  }

  /** A token for a request of one's own. The gateway proves that it was approved; to ask is no claim that it was. */
  async executionTokenFor(requestId: string): Promise<ExecutionToken> {
    const { policy_decision_point: base } = await this.#discover();
    const url = `${base}/v1/execution-tokens`;
    return tokenSchema.parse(await this.#call('POST', url, { request: requestId }, {}, true));
  }

  /** What the holder of an execution token hands to its audience: the token, and a proof for this one use. */
  async presentation(token: string): Promise<{ readonly token: string; readonly holderProof: string }> {
    const { policy_decision_point: base } = await this.#discover();
    const holderProof = await this.#key().proof('POST', `${base}/v1/execution-tokens/redeem`, token);
    return { token, holderProof };
  }

  /** Uses a token, as its audience, for exactly this action. Whoever does not get an answer must not execute. */
  async redeem(
    { token, holderProof }: { readonly token: string; readonly holderProof: string },
    action: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, unknown>>> {
    const { policy_decision_point: base } = await this.#discover();
    const body = { token, holder_proof: holderProof, action };
    return record.parse(await this.#call('POST', `${base}/v1/execution-tokens/redeem`, body));
  }

  async reportOutcome(
    request: string,
    outcome: 'redeemed' | 'succeeded' | 'failed' | 'unknown',
  ): Promise<Readonly<Record<string, unknown>>> {
    const { policy_decision_point: base } = await this.#discover();
    return record.parse(await this.#call('POST', `${base}/v1/executions/outcome`, { request, outcome }));
  }

  /** The evidence of an execution that this caller is the audience of, to be proved by the one who acts. */
  async evidence(request: string): Promise<unknown> {
    const { policy_decision_point: base } = await this.#discover();
    return this.#call('GET', `${base}/v1/requests/${encodeURIComponent(request)}/evidence`);
  }

  #discover() {
    this.#metadata ??= this.#readMetadata().catch((error: unknown) => {
      this.#metadata = undefined;
      throw error;
    });
    return this.#metadata;
  }

  async #readMetadata() {
    const { decisionPoint, fetch: send = fetch } = this.#options;
    const { origin, pathname } = new URL(decisionPoint);
    const path = pathname === '/' ? '' : pathname;
    const response = await send(`${origin}/.well-known/authzen-configuration${path}`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'error',
    });
    const metadata = metadataSchema.parse(await response.json());
    // Another identifier than the one we asked for is another decision point.
    if (metadata.policy_decision_point !== decisionPoint)
      throw new GatewayError(0, 'untrusted', 'the metadata is of another decision point');
    return metadata;
  }

  #key(): HolderKey {
    const { holderKey } = this.#options;
    if (holderKey === undefined) throw new TypeError('a holder key is needed for execution tokens');
    return holderKey;
  }

  async #call(
    method: 'GET' | 'POST',
    url: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
    prove = false,
  ): Promise<unknown> {
    const { accessToken, boundAccessToken = false, fetch: send = fetch } = this.#options;
    const token = await accessToken();
    const withProof = prove || boundAccessToken;
    const response = await send(url, {
      method,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        authorization: `${boundAccessToken ? 'DPoP' : 'Bearer'} ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(withProof && { dpop: await this.#key().proof(method, withoutQuery(url), token) }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text);
    throw gatewayError(response.status, text);
  }
}

const record = z.record(z.string(), z.unknown());
const problemSchema = z.object({ type: z.string(), detail: z.string(), code: z.string().optional() });

const withoutQuery = (url: string): string => {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
};

function gatewayError(status: number, text: string): GatewayError {
  try {
    const { type, detail, code } = problemSchema.parse(JSON.parse(text));
    return new GatewayError(status, type, detail, code);
  } catch {
    return new GatewayError(status, 'about:blank', `the gateway answered ${status}`);
  }
}
