import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { accessRequestSchema, newRequestSchema } from '../contracts/request';
import type { AccessRequest, ExecutionParameters } from '../domain/request';
import type { ExecutionOutcome } from '../domain/statement';
import { EnforcementPoint } from './enforcement-point';
import { GatewayError } from './gateway-error';
import { HolderKey } from './holder-key';
import type { Voice } from './voice';

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

const askedSchema = newRequestSchema.omit({
  requester: true,
  beneficiary: true,
  onBehalfOf: true,
  submittedAtMs: true,
});

/** A request of one's own, as the gateway shows it. */
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
  stage: z.string().optional(),
  ending: z.string().optional(),
  barred: z.boolean().optional(),
  account: z.string().optional(),
  until: z.string().optional(),
  /** Who carries it out, where it is an exact action. */
  audience: z.string().optional(),
  execution: z.looseObject({ outcome: z.string().optional() }).optional(),
});
export type Standing = z.output<typeof standingSchema>;

const verdictSchema = z.object({
  accepted: z.boolean(),
  refusal: z.object({ code: z.string(), detail: z.string() }).optional(),
  status: z.string(),
});
const problemSchema = z.object({ type: z.string(), detail: z.string(), code: z.string().optional() });

export interface RequesterOptions {
  /** Identifier of the gateway, which is its address. */
  readonly gateway: string;
  readonly voice: Voice;
  /** What its execution tokens are bound to; a new one where none is given. With the same one a lost token is had again at once. */
  readonly holderKey?: HolderKey;
  readonly fetch?: typeof fetch;
}

export interface Ask {
  /** Of the asker's choosing; a new one where none is given. */
  readonly id?: string;
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

/** What a gateway calls itself, of an address as people write it. It may lie under a path of its host. */
export function identifierOf(address: string): string {
  const { origin, pathname } = new URL(address);
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}

/** One identity at a gateway, which asks for itself, uses what it was given, and gives it back. */
export class Requester {
  readonly #options: RequesterOptions;
  readonly #point: EnforcementPoint;

  private constructor(options: RequesterOptions, holderKey: HolderKey) {
    this.#options = options;
    this.#point = new EnforcementPoint({
      decisionPoint: options.gateway,
      accessToken: () => options.voice.token(),
      holderKey,
      ...(options.fetch && { fetch: options.fetch }),
    });
  }

  /** @throws TypeError where the gateway's address is not a web address */
  static async at(options: RequesterOptions): Promise<Requester> {
    const gateway = identifierOf(options.gateway);
    return new Requester({ ...options, gateway }, options.holderKey ?? (await HolderKey.make()));
  }

  async requestable() {
    return requestableSchema.parse(await this.#call('GET', '/v1/requestable')).requestable;
  }

  /** Asks for access, or for one exact action. Yields the request's id. */
  async ask({ entitlement, minutes, reason, ticket, emergencyCondition, action, id }: Ask): Promise<string> {
    const asked = askedSchema.parse({
      id: id ?? randomUUID(),
      kind: action === undefined ? 'access' : 'execution',
      entitlement,
      durationMs: Math.round(minutes * 60_000),
      emergency: emergencyCondition !== undefined,
      ...(emergencyCondition !== undefined && { emergencyCondition }),
      reason,
      ...(ticket !== undefined && { ticket }),
      ...action,
    });
    const { path, body } = await this.#options.voice.ask(asked);
    await this.#call('POST', path, body);
    return asked.id;
  }

  async look(id: string): Promise<Standing> {
    return standingSchema.parse(await this.#call('GET', `/v1/requests/${encodeURIComponent(id)}`));
  }

  /** Ends a request of one's own: the only thing that a requester can do to one. */
  async giveBack(id: string): Promise<z.output<typeof verdictSchema>> {
    const { request, status } = await this.look(id);
    const { path, body } = await this.#options.voice.end(request, status);
    return verdictSchema.parse(await this.#call('POST', path, body));
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
  reportOutcome(id: string, outcome: ExecutionOutcome, reasonCode?: string) {
    return this.#point.reportOutcome(id, outcome, reasonCode);
  }

  /** The evidence of an execution that this identity is the audience of, to be proved before acting on it. */
  evidence(id: string): Promise<unknown> {
    return this.#point.evidence(id);
  }

  async #call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const { gateway, voice, fetch: send = fetch } = this.#options;
    const response = await send(`${gateway}${path}`, {
      method,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        authorization: `Bearer ${await voice.token()}`,
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
