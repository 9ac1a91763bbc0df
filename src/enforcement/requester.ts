import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { remedyOnWireSchema } from '../contracts/remedy';
import { accessRequestSchema, newRequestSchema } from '../contracts/request';
import type { AccessRequest, ExecutionParameters } from '../domain/request';
import type { ExecutionOutcome } from '../domain/statement';
import { callGateway, identifierOf } from './call-gateway';
import type { CallerCredential } from './caller-credential';
import { EnforcementPoint } from './enforcement-point';
import { HolderKey } from './holder-key';

const requestableSchema = z.object({
  requestable: z.array(
    z.object({
      entitlement: z.string(),
      kind: z.enum(['access', 'execution']),
      title: z.string(),
      answer: z.enum(['by_policy', 'after_approval', 'in_emergency', 'never']),
      needs_ticket: z.boolean().optional(),
      depends_on_arguments: z.boolean().optional(),
      emergency_conditions: z.array(z.string()).optional(),
      decided_by: z.array(z.string()).optional(),
      longest_ms: z.number().optional(),
      safe_way: z.string().optional(),
    }),
  ),
});

const askedSchema = newRequestSchema.omit({
  requester: true,
  beneficiary: true,
  onBehalfOf: true,
  presented: true,
  submittedAtMs: true,
});

/** The caller's own request, as the gateway shows it. */
export const standingSchema = z.object({
  request: accessRequestSchema,
  /** What of it is derived. If it does not hold, all of it is only the word of the server. */
  proof: z.object({ holds: z.boolean(), why: z.string().optional() }).optional(),
  /** What became of it, if its workflow was ended from outside: then the status goes on no further. */
  gone: z.object({ workflow: z.string(), says: z.string() }).optional(),
  status: z.string(),
  awaiting: z.array(z.string()),
  /** How many approvals the open stage needs and has, and who could give those that it lacks. */
  quorum: z.object({ needs: z.number(), has: z.number(), missing: z.array(z.string()) }).optional(),
  decisions: z
    .array(
      z.object({
        verb: z.string(),
        by: z.string(),
        at: z.iso.datetime(),
        stage: z.string().optional(),
        reason_code: z.string().optional(),
        ticket: z.string().optional(),
        comment: z.string().optional(),
        /** What who denied it would say yes to: ask for that. */
        offer: z.string().optional(),
      }),
    )
    .optional(),
  waiting_since: z.string().optional(),
  next: z.object({ what: z.string(), at: z.string() }).optional(),
  policy: z
    .object({
      outcome: z.string(),
      reason_codes: z.array(z.string()),
      explanation: z.string(),
      remedy: remedyOnWireSchema.optional(),
    })
    .optional(),
  safe_way: z.string().optional(),
  failure: z.object({ code: z.string(), detail: z.string() }).optional(),
  stage: z.string().optional(),
  ending: z.string().optional(),
  barred: z.boolean().optional(),
  account: z.string().optional(),
  until: z.string().optional(),
  /** The identity that carries it out, for an execution. */
  audience: z.string().optional(),
  execution: z.looseObject({ outcome: z.string().optional() }).optional(),
});
export type RequestStanding = z.output<typeof standingSchema>;

const certificateSchema = z.object({ certificate: z.string().min(1).max(8_192) });

const answerSchema = z.object({
  accepted: z.boolean(),
  refusal: z.object({ code: z.string(), detail: z.string() }).optional(),
  status: z.string(),
});

export interface RequesterOptions {
  /** Identifier of the gateway, which is its address. */
  readonly gateway: string;
  readonly credential: CallerCredential;
  /** The key that execution tokens are bound to. A new key by default. With the same key, a lost token can be fetched again at once. */
  readonly holderKey?: HolderKey;
  readonly fetch?: typeof fetch;
}

export interface Ask {
  /** The request's id. A new one by default. */
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

/** One identity at a gateway. It submits requests for itself, uses what was granted, and gives it back. */
export class Requester {
  readonly #options: RequesterOptions;
  readonly #point: EnforcementPoint;

  private constructor(options: RequesterOptions, holderKey: HolderKey) {
    this.#options = options;
    this.#point = new EnforcementPoint({
      decisionPoint: options.gateway,
      accessToken: () => options.credential.token(),
      holderKey,
      ...(options.fetch && { fetch: options.fetch }),
    });
  }

  /** @throws TypeError if the gateway's address is not a URL */
  static async at(options: RequesterOptions): Promise<Requester> {
    const gateway = identifierOf(options.gateway);
    return new Requester({ ...options, gateway }, options.holderKey ?? (await HolderKey.make()));
  }

  async requestable() {
    return requestableSchema.parse(await this.#call('GET', '/v1/requestable')).requestable;
  }

  /** Submits a request for access or for one exact action. Returns the request's id. */
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
    const { path, body } = await this.#options.credential.ask(asked);
    await this.#call('POST', path, body);
    return asked.id;
  }

  async look(id: string): Promise<RequestStanding> {
    return standingSchema.parse(await this.#call('GET', `/v1/requests/${encodeURIComponent(id)}`));
  }

  /** Ends the caller's own request, which is the only thing a requester can do to it. */
  async giveBack(id: string): Promise<z.output<typeof answerSchema>> {
    const { request, status } = await this.look(id);
    const { path, body } = await this.#options.credential.end(request, status);
    return answerSchema.parse(await this.#call('POST', path, body));
  }

  /** Has a public key of OpenSSH signed for as long as a grant lasts. Returns the certificate. */
  async sshCertificate(id: string, publicKey: string): Promise<string> {
    const path = `/v1/requests/${encodeURIComponent(id)}/ssh-certificate`;
    return certificateSchema.parse(await this.#call('POST', path, { public_key: publicKey })).certificate;
  }

  /** Returns the token of an approved execution with a proof for one use. Hand both to the audience. */
  async present(
    id: string,
  ): Promise<{ readonly token: string; readonly holderProof: string; audience: string }> {
    const { token, audience } = await this.#point.executionTokenFor(id);
    return { ...(await this.#point.presentation(token)), audience };
  }

  /** Redeems a token as its audience. */
  redeem(
    presented: { readonly token: string; readonly holderProof: string },
    action: ExecutionParameters,
  ): Promise<Readonly<Record<string, unknown>>> {
    return this.#point.redeem(presented, { ...action });
  }

  /** Reports the outcome of an execution as its executor. */
  reportOutcome(id: string, outcome: ExecutionOutcome, reasonCode?: string) {
    return this.#point.reportOutcome(id, outcome, reasonCode);
  }

  /** Tells governance of a tool whose definition is not the pinned one, as the gate that holds it. */
  async reportToolChange(change: {
    readonly server: string;
    readonly tool: string;
    readonly pinned: string;
    readonly given: string;
    readonly differences: readonly string[];
  }): Promise<void> {
    await this.#call('POST', '/v1/tool-changes', change);
  }

  /** Returns the evidence of an execution whose audience this identity is. Verify it before acting. */
  evidence(id: string): Promise<unknown> {
    return this.#point.evidence(id);
  }

  async #call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const { gateway, credential, fetch: send } = this.#options;
    return callGateway(gateway, method, path, {
      body,
      token: await credential.token(),
      ...(send && { fetch: send }),
    });
  }
}
