import { randomUUID } from 'node:crypto';
import { decodeJwt } from 'jose';
import {
  type CountersignClient,
  CountersignError,
  type DomainEvent,
  type RequestView,
} from '../../src/client';
import { namedEntitlement } from '../../src/contracts/request';
import { STATEMENT_TYPE } from '../../src/contracts/statement';
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
import { jwsOf } from './signing/jws';
import type { SoftwarePasskey } from './signing/passkey';

export interface Ask {
  readonly requester: PrincipalId;
  readonly beneficiary?: PrincipalId;
  /** `connector:resource#action` */
  readonly entitlement: string;
  readonly durationMs?: number;
  readonly notBeforeMs?: number;
  readonly reason?: string;
  readonly ticket?: string;
  readonly emergencyCondition?: string;
  readonly onBehalfOf?: readonly PrincipalId[];
  /** The exact action; with it the request is an execution. */
  readonly parameters?: ExecutionParameters;
}

/** When a statement is signed, and for how long it counts. */
export interface Signing {
  readonly nowMs?: number;
  readonly lifeMs?: number;
  readonly key?: SigningKey;
  /** A denial has a reason code unless this is set. */
  readonly unreasoned?: boolean;
}

const CONTAINED = { containment: 'stop the pipeline', rollback: 'run the reverse change' };
const SETTLED_WITHIN_MS = 30_000;
/** The stage that an approval is for: the open one, or else the first. */
export const stageFor = ({ openStage, assessment }: Pick<RequestView, 'openStage' | 'assessment'>): string =>
  openStage ?? assessment?.path?.stages[0]?.name ?? 'none';

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

/** Everyone in the example bundle, with real keys. They submit requests and sign statements as they would by hand. */
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
    notBeforeMs,
    reason,
    onBehalfOf,
    parameters,
  }: Ask): AccessRequest {
    return {
      id: randomUUID(),
      kind: parameters === undefined ? 'access' : 'execution',
      requester,
      beneficiary: beneficiary ?? requester,
      entitlement: namedEntitlement.parse(entitlement),
      ...(parameters !== undefined && { parameters, ...CONTAINED }),
      durationMs: durationMs ?? 60_000,
      ...(notBeforeMs !== undefined && { notBeforeMs }),
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

  /** Submits a request and waits until it waits for people or has ended. */
  async ask(ask: Ask): Promise<AccessRequest> {
    const request = this.compose(ask);
    await this.client.submit(await this.submission(request));
    await this.settled(request);
    return request;
  }

  /** Returns the view of a request. Waits for a run that has just begun, which answers only after it has read its log. */
  view({ id }: Pick<AccessRequest, 'id'>): Promise<RequestView> {
    return eventually(
      `request ${id} is read`,
      () =>
        this.client.get(id).catch((error: unknown) => {
          if (error instanceof CountersignError && error.message.endsWith('is still being read'))
            return undefined;
          throw error;
        }),
      SETTLED_WITHIN_MS,
    );
  }

  events({ id }: AccessRequest): Promise<readonly DomainEvent[]> {
    return this.client.events(id);
  }

  /** Waits until only people or time can move a request, and returns its view. */
  settled(request: Pick<AccessRequest, 'id'>): Promise<RequestView> {
    return this.until(request, (view) => !UNSETTLED.includes(view.status));
  }

  /** Waits until nothing but a review can happen to a request, and returns its view. */
  over(request: Pick<AccessRequest, 'id'>): Promise<RequestView> {
    const ended = ['expired', 'revoked', ...OVER];
    return this.until(request, (view) => ended.includes(view.status));
  }

  /** Signs a statement about a request and sends it. Returns `accepted` or the refusal's code. */
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
    { nowMs = Date.now(), lifeMs = 3_600_000, key, unreasoned = false }: Signing = {},
  ): Promise<SignedEnvelope> {
    const view = await this.view(request);
    const stage = verb === 'approve' ? { stage: stageFor(view) } : {};
    const why = verb === 'deny' && !unreasoned ? { reasonCode: 'not-now' } : {};
    const revision = about.revision ?? view.revision;
    const draft = {
      verb,
      request: request.id,
      digest: requestDigest(request),
      revision,
      ...stage,
      ...why,
      ...about,
    };
    return signStatement(draft, signer, key ?? (await this.key(signer)), { nowMs, lifeMs });
  }

  /** The same statement, signed on a page with a passkey. */
  async signByPasskey(
    passkey: SoftwarePasskey,
    signer: PrincipalId,
    verb: Verb,
    request: AccessRequest,
  ): Promise<SignedEnvelope> {
    const claims = decodeJwt(jwsOf(await this.sign(signer, verb, request)));
    return passkey.sign({ ...claims, typ: STATEMENT_TYPE });
  }

  async carry({ id }: AccessRequest, statement: SignedEnvelope): Promise<'accepted' | RefusalCode> {
    const answer = await this.client.sendStatement(id, statement);
    if (answer.accepted) return 'accepted';
    if (answer.refusal === undefined) throw new Error('a refusal without a code');
    return answer.refusal.code;
  }

  async key(principal: PrincipalId): Promise<SigningKey> {
    return readKeyFile(exampleKeyFile(this.stateDir, principal));
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
