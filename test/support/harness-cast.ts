import { randomUUID } from 'node:crypto';
import type { CountersignClient, DomainEvent, RequestView } from '../../src/client';
import { requestDigest } from '../../src/domain/digest';
import type { PrincipalId } from '../../src/domain/principal';
import type { RefusalCode } from '../../src/domain/refusal';
import type {
  AccessRequest,
  ExecutionParameters,
  SignedEnvelope,
  Submission,
} from '../../src/domain/request';
import type { Verb } from '../../src/domain/statement';
import { readKeyFile, type SigningKey } from '../../src/signing/keys';
import { type StatementDraft, signStatement, signSubmission } from '../../src/signing/sign';
import { exampleKeyFile } from '../../src/stack/example-bundle';
import { eventually } from './harness-wait';

export interface Ask {
  readonly requester: PrincipalId;
  readonly beneficiary?: PrincipalId;
  /** `connector:resource#action` */
  readonly entitlement: string;
  readonly durationMs?: number;
  readonly reason?: string;
  readonly ticket?: string;
  readonly emergencyCondition?: string;
  readonly onBehalfOf?: readonly PrincipalId[];
  /** The exact action of an execution; makes it one. */
  readonly parameters?: ExecutionParameters;
}

/** When a statement is signed, and for how long it counts. */
export interface Signing {
  readonly nowMs?: number;
  readonly lifeMs?: number;
  readonly key?: SigningKey;
}

const CONTAINED = { containment: 'stop the pipeline', rollback: 'run the reverse change' };
const SETTLED_WITHIN_MS = 30_000;
const UNSETTLED: readonly string[] = ['submitted', 'assessing', 'approved', 'provisioning'];
const OVER: readonly string[] = [
  'closed',
  'denied',
  'cancelled',
  'withdrawn',
  'lapsed',
  'failed',
  'refused',
  'hard_stopped',
];

/** Everyone in the example bundle, each with a real key, asking and speaking as they would by hand. */
export class Cast {
  constructor(
    private readonly client: CountersignClient,
    private readonly stateDir: string,
  ) {}

  /** A request that is not yet submitted. */
  compose({
    requester,
    beneficiary,
    entitlement,
    emergencyCondition,
    ticket,
    durationMs,
    reason,
    onBehalfOf,
    parameters,
  }: Ask): AccessRequest {
    const [, connector = '', resource = '', action = ''] = /^([^:]+):([^#]+)#(.+)$/.exec(entitlement) ?? [];
    return {
      id: randomUUID(),
      kind: parameters === undefined ? 'access' : 'execution',
      requester,
      beneficiary: beneficiary ?? requester,
      entitlement: { connector, resource, action },
      ...(parameters !== undefined && { parameters, ...CONTAINED }),
      durationMs: durationMs ?? 60_000,
      emergency: emergencyCondition !== undefined,
      ...(emergencyCondition !== undefined && { emergencyCondition }),
      reason: reason ?? 'a reason for the tests',
      ...(ticket !== undefined && { ticket }),
      onBehalfOf: onBehalfOf ?? [],
      submittedAtMs: Date.now(),
    };
  }

  async submission(request: AccessRequest): Promise<Submission> {
    return signSubmission(request, await this.key(request.requester));
  }

  /** Submits a request and waits until it waits for people, or has ended. */
  async ask(ask: Ask): Promise<AccessRequest> {
    const request = this.compose(ask);
    await this.client.submit(await this.submission(request));
    await this.settled(request);
    return request;
  }

  async view({ id }: Pick<AccessRequest, 'id'>): Promise<RequestView> {
    return this.client.get(id);
  }

  events({ id }: AccessRequest): Promise<readonly DomainEvent[]> {
    return this.client.events(id);
  }

  /** Where a request stands once only people or time can move it. */
  settled(request: Pick<AccessRequest, 'id'>): Promise<RequestView> {
    return this.until(request, (view) => !UNSETTLED.includes(view.status));
  }

  /** Where a request stands once nothing more can happen to it but a review. */
  over(request: Pick<AccessRequest, 'id'>): Promise<RequestView> {
    const ended = ['expired', 'revoked', ...OVER];
    return this.until(request, (view) => ended.includes(view.status));
  }

  /** Signs a statement about a request and carries it there. Yields `accepted` or the refusal's code. */
  async say(
    signer: PrincipalId,
    verb: Verb,
    request: AccessRequest,
    about: Partial<StatementDraft> = {},
    signing: Signing = {},
  ): Promise<'accepted' | RefusalCode> {
    return this.carry(request, await this.sign(signer, verb, request, about, signing));
  }

  async sign(
    signer: PrincipalId,
    verb: Verb,
    request: AccessRequest,
    about: Partial<StatementDraft> = {},
    { nowMs = Date.now(), lifeMs = 3_600_000, key }: Signing = {},
  ): Promise<SignedEnvelope> {
    const revision = about.revision ?? (await this.view(request)).revision;
    const draft = { verb, request: request.id, digest: requestDigest(request), revision, ...about };
    return signStatement(draft, signer, key ?? (await this.key(signer)), { nowMs, lifeMs });
  }

  async carry({ id }: AccessRequest, statement: SignedEnvelope): Promise<'accepted' | RefusalCode> {
    const verdict = await this.client.sendStatement(id, statement);
    if (verdict.accepted) return 'accepted';
    if (verdict.refusal === undefined) throw new Error('a refusal without a code');
    return verdict.refusal.code;
  }

  async key(principal: PrincipalId): Promise<SigningKey> {
    const read = await readKeyFile(exampleKeyFile(this.stateDir, principal));
    if (!read.ok) throw new Error(read.message);
    return read.key;
  }

  until(request: Pick<AccessRequest, 'id'>, holds: (view: RequestView) => boolean): Promise<RequestView> {
    return eventually(
      `request ${request.id}`,
      async () => {
        const view = await this.view(request).catch(() => undefined);
        return view !== undefined && holds(view) ? view : undefined;
      },
      SETTLED_WITHIN_MS,
    );
  }
}
