import { Client as PostgresClient } from 'pg';
import {
  type AccessRequest,
  type CountersignClient,
  makeRequest,
  type RequestView,
  readKeyFile,
  type SignedEnvelope,
  type StatementDraft,
  signStatement,
  signSubmission,
} from '../../client';
import { formatDuration } from '../../contracts/duration';
import { requestDigest } from '../../domain/digest';
import type { PrincipalId } from '../../domain/principal';
import { entitlementName } from '../../domain/request';
import type { Verb } from '../../domain/statement';
import { isPassingStatus } from '../../domain/status';
import { exampleKeyFile } from '../../stack/example-bundle';
import type { Stack } from '../../stack/up';

const STATEMENT_LIFE_MS = 3_600_000;
const DECISION_WITHIN_MS = 20_000;

export interface DemoRequest {
  readonly requester: PrincipalId;
  /** Who gets the access. Default: the requester. */
  readonly beneficiary?: PrincipalId;
  readonly entitlement: string;
  readonly durationMs: number;
  readonly reason: string;
  readonly ticket?: string;
  readonly emergencyCondition?: string;
}

/** The people and identities of the demo, each with their own key, acting as they would by hand. */
export class Cast {
  readonly asked: AccessRequest[] = [];

  constructor(
    private readonly client: CountersignClient,
    private readonly stack: Stack,
  ) {}

  async ask({ durationMs, ...ask }: DemoRequest): Promise<AccessRequest> {
    const request = makeRequest({ ...ask, duration: formatDuration(durationMs) });
    await this.client.submit(await signSubmission(request, await this.keyOf(request.requester)));
    this.asked.push(request);
    return request;
  }

  /** Takes over a request that was not submitted through `ask`. */
  async adopt(id: string): Promise<AccessRequest> {
    const { request } = await this.client.submissionOf(id);
    this.asked.push(request);
    return request;
  }

  /** Waits until a request waits for people or for a timer, and returns it. */
  async settled({ id }: AccessRequest): Promise<RequestView> {
    for (let tries = 0; ; tries += 1) {
      const view = await this.client.get(id).catch((error: unknown) => {
        if (tries > 100) throw error;
        return undefined;
      });
      if (view !== undefined && !isPassingStatus(view.status)) return view;
      if (tries > 200) throw new Error(`request ${id} did not settle`);
      await pause(50);
    }
  }

  decided({ id }: AccessRequest): Promise<RequestView> {
    return this.client.waitForDecision(id, { timeoutMs: DECISION_WITHIN_MS });
  }

  view({ id }: AccessRequest): Promise<RequestView> {
    return this.client.get(id);
  }

  /** Signs a statement about a request and carries it there. Returns `accepted` or the code of the refusal. */
  async say(
    signer: PrincipalId,
    verb: Verb,
    request: AccessRequest,
    about: Partial<StatementDraft> = {},
  ): Promise<string> {
    return this.carry(request, await this.sign(signer, verb, request, about));
  }

  async sign(
    signer: PrincipalId,
    verb: Verb,
    request: AccessRequest,
    about: Partial<StatementDraft> = {},
  ): Promise<SignedEnvelope> {
    const { revision, openStage, assessment } = await this.client.get(request.id);
    // The open stage, or the first while none is open.
    const stage = openStage ?? assessment?.path?.stages[0]?.name;
    const named = verb === 'approve' && stage !== undefined ? { stage } : {};
    const draft = { verb, request: request.id, digest: requestDigest(request), revision, ...named, ...about };
    return signStatement(draft, signer, await this.keyOf(signer), {
      nowMs: Date.now(),
      lifeMs: STATEMENT_LIFE_MS,
    });
  }

  async carry({ id }: AccessRequest, statement: SignedEnvelope): Promise<string> {
    const answer = await this.client.sendStatement(id, statement);
    return answer.accepted ? 'accepted' : (answer.refusal?.code ?? 'refused');
  }

  /** Sends anything as a signal, as anyone who can write to the namespace could. */
  signal({ id }: AccessRequest, verb: Verb, statement: SignedEnvelope): Promise<void> {
    return this.client.leaveStatement(id, verb, statement);
  }

  /** Asks the target, as its administrator, whether an account has a role at this moment. */
  async holds(account: string, role: string): Promise<string> {
    const database = new PostgresClient({ connectionString: this.stack.targetUrl });
    await database.connect();
    try {
      const { rows } = await database.query<{ held: boolean }>(
        "SELECT pg_has_role($1, $2, 'MEMBER') AS held",
        [account, role],
      );
      return rows[0]?.held ? 'present' : 'absent';
    } finally {
      await database.end();
    }
  }

  /** Waits until the request's own timer has ended the grant. */
  async over(request: AccessRequest): Promise<RequestView> {
    for (let tries = 0; tries < 600; tries += 1) {
      const view = await this.client.get(request.id);
      if (['closed', 'expired', 'revoked'].includes(view.status)) return view;
      await pause(100);
    }
    throw new Error(`${entitlementName(request.entitlement)} did not end`);
  }

  keyOf(principal: PrincipalId) {
    return readKeyFile(exampleKeyFile(this.stack.stateDir, principal));
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
