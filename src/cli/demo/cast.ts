import { randomUUID } from 'node:crypto';
import { Client as PostgresClient } from 'pg';
import {
  type AccessRequest,
  type CountersignClient,
  type RequestView,
  readKeyFile,
  type SignedEnvelope,
  type StatementDraft,
  signStatement,
  signSubmission,
} from '../../client';
import { requestDigest } from '../../domain/digest';
import type { PrincipalId } from '../../domain/principal';
import { entitlementName } from '../../domain/request';
import { isPassingStatus } from '../../domain/state';
import type { Verb } from '../../domain/statement';
import { exampleKeyFile } from '../../stack/example-bundle';
import type { Stack } from '../../stack/up';

const STATEMENT_LIFE_MS = 3_600_000;
const DECISION_WITHIN_MS = 20_000;

export interface Ask {
  readonly requester: PrincipalId;
  /** Who would get the access; the requester, where nobody is named. */
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

  async ask({ requester, entitlement, emergencyCondition, ...rest }: Ask): Promise<AccessRequest> {
    const [, connector = '', resource = '', action = ''] = /^([^:]+):([^#]+)#(.+)$/.exec(entitlement) ?? [];
    const request: AccessRequest = {
      id: randomUUID(),
      kind: 'access',
      requester,
      entitlement: { connector, resource, action },
      emergency: emergencyCondition !== undefined,
      ...(emergencyCondition !== undefined && { emergencyCondition }),
      onBehalfOf: [],
      submittedAtMs: Date.now(),
      beneficiary: requester,
      ...rest,
    };
    await this.client.submit(await signSubmission(request, await this.#key(requester)));
    this.asked.push(request);
    return request;
  }

  /** A request that somebody else has submitted, by another way in. */
  async adopt(id: string): Promise<AccessRequest> {
    const { request } = await this.client.submissionOf(id);
    this.asked.push(request);
    return request;
  }

  /** Where a request stands once it waits for nobody but people or time. */
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

  /** Signs a statement about a request and carries it there. Yields `accepted` or the refusal's code. */
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
    const { revision } = await this.client.get(request.id);
    const draft = { verb, request: request.id, digest: requestDigest(request), revision, ...about };
    return signStatement(draft, signer, await this.#key(signer), {
      nowMs: Date.now(),
      lifeMs: STATEMENT_LIFE_MS,
    });
  }

  async carry({ id }: AccessRequest, statement: SignedEnvelope): Promise<string> {
    const verdict = await this.client.sendStatement(id, statement);
    return verdict.accepted ? 'accepted' : (verdict.refusal?.code ?? 'refused');
  }

  /** Leaves anything at all with the server as a signal, as whoever can write to the namespace could. */
  signal({ id }: AccessRequest, verb: Verb, statement: SignedEnvelope): Promise<void> {
    return this.client.leaveStatement(id, verb, statement);
  }

  /** Asks the target itself, as its administrator, whether an account holds a role at this moment. */
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

  /** Waits until the grant is over and its request closed, by its own timer. */
  async over(request: AccessRequest): Promise<RequestView> {
    for (let tries = 0; tries < 600; tries += 1) {
      const view = await this.client.get(request.id);
      if (['closed', 'expired', 'revoked'].includes(view.status)) return view;
      await pause(100);
    }
    throw new Error(`${entitlementName(request.entitlement)} did not end`);
  }

  async #key(principal: PrincipalId) {
    const read = await readKeyFile(exampleKeyFile(this.stack.stateDir, principal));
    if (!read.ok) throw new Error(read.message);
    return read.key;
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
