import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { ExecutionOutcome } from '../domain/statement';
import { retryAfterMs } from '../outbound/retry-after';
import { GatewayError } from './gateway-error';
import type { HolderKey } from './holder-key';
import {
  type Decision,
  decisionSchema,
  type Evaluation,
  type ExecutionToken,
  metadataSchema,
  type TaskAnswer,
  taskSchema,
  tokenSchema,
} from './wire';

export interface EnforcementOptions {
  /** Identifier of the decision point. Its metadata is found from it. */
  readonly decisionPoint: string;
  /** Returns the caller's access token. Called for each call, since the token may be renewed. */
  readonly accessToken: () => Promise<string>;
  /** The key that execution tokens are bound to. It also proves access tokens that are bound to it. */
  readonly holderKey?: HolderKey;
  readonly boundAccessToken?: boolean;
  readonly fetch?: typeof fetch;
}

const TIMEOUT_MS = 40_000;
const NOT_OVER: readonly string[] = ['pending'];

/**
 * A client of the two specifications for enforcement points. It fails closed: anything but a fully understood permit counts as a
 * denial. An approved task is not a permit; only the evaluation after it is.
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
   * Requests what was denied. The denial must be requestable. Sends its binding back unchanged, to an endpoint of the decision
   * point's own origin only.
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
    const { next_action: nextAction = 'request' } = denial.context ?? {};
    // The decision point may have said to retry or to give up instead.
    const isElsewhere = nextAction === 'retry' || nextAction === 'none';
    if (denial.decision || requestable === undefined || isElsewhere)
      throw new TypeError('this denial cannot be requested');
    const { access_request_endpoint: advertised } = await this.#discover();
    const endpoint = await this.#trusted(requestable.endpoint ?? advertised, 'the denial');
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

  /**
   * Waits until a task is decided, by long polls with growing pauses, never shorter than the service asks for. Returns the decided
   * task.
   *
   * @throws GatewayError `timeout` if it is still pending after `timeoutMs` or at the end of the task
   */
  async wait(task: TaskAnswer, { timeoutMs }: { readonly timeoutMs: number }): Promise<TaskAnswer> {
    const { id, status_endpoint: statusEndpoint, expires_at: expiresAt } = task.task;
    const address = await this.#trusted(statusEndpoint, 'the task');
    const endMs = expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiresAt);
    const untilMs = Math.min(Date.now() + timeoutMs, endMs);
    for (let current = task, pauseMs = 0, askedMs = 0; ; pauseMs = Math.min(pauseMs * 2 + 250, 60_000)) {
      if (!NOT_OVER.includes(current.task.status)) return current;
      await sleep(Math.max(0, Math.min(untilMs - Date.now(), jittered(Math.max(pauseMs, askedMs), askedMs))));
      if (Date.now() >= untilMs) throw new GatewayError(0, 'timeout', `task ${id} is still pending`);
      const seconds = Math.max(0, Math.min(20, Math.floor((untilMs - Date.now()) / 1_000)));
      const sent = await this.#send('GET', address, undefined, {
        prefer: `wait=${seconds}`,
      });
      current = taskSchema.parse(sent.answer);
      askedMs = sent.askedMs;
    }
  }

  /** Evaluates again with the approval. Only a permit from here lets an operation go on. */
  async reevaluate(evaluation: Evaluation, { task, result }: TaskAnswer): Promise<Decision> {
    const usable =
      task.status === 'approved' && result?.mode === 'reevaluate' && result.approval !== undefined
        ? result.approval
        : undefined;
    if (usable === undefined || Date.now() >= Date.parse(usable.approved_until))
      return { decision: false, context: { reason: 'not_approved', next_action: 'none' } };
    return this.evaluate({ ...evaluation, context: { ...evaluation.context, approval: usable } });
  }

  /** Returns a token for an approved execution, bound to this process's key. */
  async executionToken(answer: TaskAnswer): Promise<ExecutionToken> {
    const requestId = answer.result?.execution?.request;
    if (answer.task.status !== 'approved' || requestId === undefined)
      throw new TypeError('there is no approved execution');
    return this.executionTokenFor(requestId);
  }

  /** Returns a token for the caller's own request. The gateway proves that it was approved. */
  async executionTokenFor(requestId: string): Promise<ExecutionToken> {
    const { policy_decision_point: base } = await this.#discover();
    const url = `${base}/v1/execution-tokens`;
    return tokenSchema.parse(await this.#call('POST', url, { request: requestId }, {}, true));
  }

  /** Returns what the holder of an execution token hands to its audience: the token and a proof for one use. */
  async presentation(token: string): Promise<{ readonly token: string; readonly holderProof: string }> {
    const { policy_decision_point: base } = await this.#discover();
    const holderProof = await this.#key().proof('POST', `${base}/v1/execution-tokens/redeem`, token);
    return { token, holderProof };
  }

  /** Redeems a token as its audience, for exactly this action. Without an answer, do not execute. */
  async redeem(
    { token, holderProof }: { readonly token: string; readonly holderProof: string },
    action: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, unknown>>> {
    const { policy_decision_point: base } = await this.#discover();
    const body = { token, holder_proof: holderProof, action };
    return record.parse(await this.#call('POST', `${base}/v1/execution-tokens/redeem`, body));
  }

  /** Reports the outcome of an execution as its audience, with a reason code if the use was refused. */
  async reportOutcome(
    request: string,
    outcome: ExecutionOutcome,
    reasonCode?: string,
  ): Promise<Readonly<Record<string, unknown>>> {
    const { policy_decision_point: base } = await this.#discover();
    const body = { request, outcome, ...(reasonCode !== undefined && { reason_code: reasonCode }) };
    return record.parse(await this.#call('POST', `${base}/v1/executions/outcome`, body));
  }

  /** Returns the evidence of an execution whose audience this caller is. Verify it before acting. */
  async evidence(request: string): Promise<unknown> {
    const { policy_decision_point: base } = await this.#discover();
    return this.#call('GET', `${base}/v1/requests/${encodeURIComponent(request)}/evidence`);
  }

  /** Returns the endpoint if it has the origin of the decision point's request service. Credentials go nowhere else. */
  async #trusted(endpoint: string | undefined, who: string): Promise<string> {
    const { access_request_endpoint: advertised } = await this.#discover();
    const isTrusted =
      endpoint !== undefined &&
      advertised !== undefined &&
      new URL(endpoint).origin === new URL(advertised).origin;
    if (!isTrusted)
      throw new GatewayError(0, 'untrusted', `${who} names an endpoint that is not the decision point’s`);
    return endpoint;
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
    // Metadata with another identifier belongs to another decision point.
    if (metadata.policy_decision_point !== decisionPoint)
      throw new GatewayError(0, 'untrusted', 'the metadata is of another decision point');
    return metadata;
  }

  #nonce: string | undefined;

  /** Keeps the nonce that the gateway gave for the next proof. Returns true if it gave one. */
  #takeNonce(response: Response): boolean {
    const nonce = response.headers.get('dpop-nonce');
    if (nonce !== null) this.#nonce = nonce;
    return nonce !== null;
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
    return (await this.#send(method, url, body, headers, prove)).answer;
  }

  async #send(
    method: 'GET' | 'POST',
    url: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
    prove = false,
  ): Promise<{ readonly answer: unknown; readonly askedMs: number }> {
    const { accessToken, boundAccessToken = false, fetch: send = fetch } = this.#options;
    const token = await accessToken();
    const withProof = prove || boundAccessToken;
    const attempt = async () =>
      send(url, {
        method,
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: {
          authorization: `${boundAccessToken ? 'DPoP' : 'Bearer'} ${token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(withProof && { dpop: await this.#key().proof(method, withoutQuery(url), token, this.#nonce) }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    let response = await attempt();
    const given = this.#takeNonce(response);
    // A gateway that wants a nonce says so before it does anything (RFC 9449 section 9), so the same call is made once more.
    if (withProof && given && response.status === 401) {
      response = await attempt();
      this.#takeNonce(response);
    }
    const text = await response.text();
    const askedMs = retryAfterMs(response.headers.get('retry-after'), Date.now()) ?? 0;
    if (response.ok) return { answer: JSON.parse(text), askedMs };
    throw gatewayError(response.status, text);
  }
}

const record = z.record(z.string(), z.unknown());
const problemSchema = z.object({ type: z.string(), detail: z.string(), code: z.string().optional() });

/** Returns a random pause between half of `pauseMs` and all of it, so that callers spread out; at least `leastMs`. */
const jittered = (pauseMs: number, leastMs: number): number =>
  Math.max(leastMs, pauseMs * (0.5 + Math.random() / 2));

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
