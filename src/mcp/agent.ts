import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { accessRequestSchema } from '../contracts/request';
import { requestDigest } from '../domain/digest';
import type { PrincipalId } from '../domain/principal';
import type { AccessRequest, ExecutionParameters } from '../domain/request';
import { EnforcementPoint } from '../enforcement/enforcement-point';
import { GatewayError } from '../enforcement/gateway-error';
import { HolderKey } from '../enforcement/holder-key';
import type { SigningKey } from '../signing/keys';
import { signCallerToken, signStatement, signSubmission } from '../signing/sign';

const requestableSchema = z.object({
  requestable: z.array(
    z.object({
      entitlement: z.string(),
      kind: z.enum(['access', 'execution']),
      title: z.string(),
      answer: z.enum(['by_policy', 'after_approval', 'in_emergency', 'never']),
      needs_ticket: z.boolean().optional(),
      emergency_conditions: z.array(z.string()).optional(),
      safe_way: z.string().optional(),
    }),
  ),
});

/** A request of the agent's own, as the gateway shows it. */
export const standingSchema = z.object({
  request: accessRequestSchema,
  status: z.string(),
  awaiting: z.array(z.string()),
  waiting_since: z.string().optional(),
  next: z.object({ what: z.string(), at: z.string() }).optional(),
  policy: z
    .object({ outcome: z.string(), reason_codes: z.array(z.string()), explanation: z.string() })
    .optional(),
  safe_way: z.string().optional(),
  failure: z.object({ code: z.string(), detail: z.string() }).optional(),
  until: z.string().optional(),
  execution: z.looseObject({ outcome: z.string().optional() }).optional(),
});
export type Standing = z.output<typeof standingSchema>;

const verdictSchema = z.object({
  accepted: z.boolean(),
  refusal: z.object({ code: z.string(), detail: z.string() }).optional(),
  status: z.string(),
});
const problemSchema = z.object({ type: z.string(), detail: z.string(), code: z.string().optional() });

export interface AgentOptions {
  /** Identifier of the gateway, which is its address. */
  readonly gateway: string;
  readonly principal: PrincipalId;
  readonly key: SigningKey;
}

export interface Ask {
  readonly entitlement: AccessRequest['entitlement'];
  readonly minutes: number;
  readonly reason: string;
  readonly ticket?: string | undefined;
  readonly emergencyCondition?: string | undefined;
  readonly action?: {
    readonly parameters: ExecutionParameters;
    readonly containment: string;
    readonly rollback: string;
  };
}

const TIMEOUT_MS = 20_000;
const TOKEN_LIFE_MS = 300_000;
const STATEMENT_LIFE_MS = 3_600_000;

/** One identity at a gateway. It signs what it asks for with its own key; there is nothing here that could approve. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #point: EnforcementPoint;

  private constructor(options: AgentOptions, holderKey: HolderKey) {
    this.#options = options;
    this.#point = new EnforcementPoint({
      decisionPoint: options.gateway,
      accessToken: () => this.#token(),
      holderKey,
    });
  }

  /** @throws TypeError where the gateway's address is not a web address */
  static async at(options: AgentOptions): Promise<Agent> {
    const { origin } = new URL(options.gateway);
    return new Agent({ ...options, gateway: origin }, await HolderKey.make());
  }

  get principal(): PrincipalId {
    return this.#options.principal;
  }

  async requestable() {
    return requestableSchema.parse(await this.#call('GET', '/v1/requestable')).requestable;
  }

  /** Signs a request and submits it. Yields its id. */
  async ask({ entitlement, minutes, reason, ticket, emergencyCondition, action }: Ask): Promise<string> {
    const request = accessRequestSchema.parse({
      id: randomUUID(),
      kind: action === undefined ? 'access' : 'execution',
      requester: this.principal,
      beneficiary: this.principal,
      entitlement,
      durationMs: Math.round(minutes * 60_000),
      emergency: emergencyCondition !== undefined,
      ...(emergencyCondition !== undefined && { emergencyCondition }),
      reason,
      ...(ticket !== undefined && { ticket }),
      onBehalfOf: [],
      ...action,
      submittedAtMs: Date.now(),
    });
    await this.#call('POST', '/v1/requests', await signSubmission(request, this.#options.key));
    return request.id;
  }

  async look(id: string): Promise<Standing> {
    return standingSchema.parse(await this.#call('GET', `/v1/requests/${encodeURIComponent(id)}`));
  }

  /** Ends a request of one's own: the only thing that an agent can do to one. */
  async giveBack(id: string): Promise<z.output<typeof verdictSchema>> {
    const { request, status } = await this.look(id);
    const verb = status === 'active' ? 'revoke' : 'withdraw';
    const draft = { verb, request: id, digest: requestDigest(request), revision: 0 } as const;
    const statement = await signStatement(draft, this.principal, this.#options.key, {
      nowMs: Date.now(),
      lifeMs: STATEMENT_LIFE_MS,
    });
    const path = `/v1/requests/${encodeURIComponent(id)}/statements`;
    return verdictSchema.parse(await this.#call('POST', path, statement));
  }

  /** The token of an approved execution with a proof for this one use. It is for its audience, not to be looked at. */
  async present(
    id: string,
  ): Promise<{ readonly token: string; readonly holderProof: string; audience: string }> {
    const { token, audience } = await this.#point.executionTokenFor(id);
    return { ...(await this.#point.presentation(token)), audience };
  }

  /** Uses a token as its audience. */
  redeem(
    presented: { readonly token: string; readonly holderProof: string },
    action: ExecutionParameters,
  ): Promise<Readonly<Record<string, unknown>>> {
    return this.#point.redeem(presented, { ...action });
  }

  /** Says what became of an execution, as the one who carried it out. */
  reportOutcome(id: string, outcome: 'redeemed' | 'succeeded' | 'failed' | 'unknown') {
    return this.#point.reportOutcome(id, outcome);
  }

  /** The evidence of an execution that this identity is the audience of, to be proved before acting on it. */
  evidence(id: string): Promise<unknown> {
    return this.#point.evidence(id);
  }

  #token(): Promise<string> {
    const { principal, gateway, key } = this.#options;
    return signCallerToken(principal, gateway, key, { nowMs: Date.now(), lifeMs: TOKEN_LIFE_MS });
  }

  async #call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.#options.gateway}${path}`, {
      method,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        authorization: `Bearer ${await this.#token()}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const said: unknown = await response.json().catch(() => undefined);
    if (response.ok) return said;
    const problem = problemSchema.safeParse(said).data;
    const detail = problem?.detail ?? `the gateway answered ${response.status}`;
    throw new GatewayError(response.status, problem?.type ?? 'about:blank', detail, problem?.code);
  }
}
