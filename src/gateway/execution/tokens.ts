import { randomUUID } from 'node:crypto';
import { type CountersignClient, CountersignError } from '../../client';
import { executionClaimsSchema } from '../../contracts/statement';
import { digestOf } from '../../domain/digest';
import type { Evidence } from '../../domain/evidence';
import type { Authority } from '../../domain/ports';
import type { Authorisation } from '../../domain/prove';
import type { Refusal, RefusalCode } from '../../domain/refusal';
import type { AccessRequest, ExecutionParameters } from '../../domain/request';
import type { ExecutionOutcome } from '../../domain/statement';
import type { DpopVerifier } from '../../signing/dpop';
import type { ExecutionRow } from '../../token-uses/row';
import { type IsFirstUse, refuseUse, type TokenUseStore, type Use, whyNot } from '../../token-uses/store';
import type { Caller } from '../auth/caller';
import type { UsedOnceOfKind } from '../auth/used-once';
import { HttpProblem } from '../http/problem';
import type { GatewayKeys } from '../keys';
import { proveRequest } from '../requests/evidence';
import type { Reporter } from './report';

/** Refused redemptions that go on the record of one request. The log has all of them. */
const MOST_RECORDED = 8;

export interface ExecutionTokensOptions {
  readonly client: CountersignClient;
  readonly keys: GatewayKeys;
  readonly publicUrl: string;
  /** The token-use stores, by connector name. */
  readonly tokenUses: ReadonlyMap<string, TokenUseStore>;
  readonly authority: () => Promise<Authority>;
  readonly dpop: DpopVerifier;
  /** Which requests were executed, beside the stores: those forget it when they are restored. */
  readonly executed: Pick<UsedOnceOfKind, 'first'>;
  readonly reporter: Reporter;
  readonly nowMs: () => number;
}

export interface Redemption {
  readonly token: string;
  readonly holderProof: string;
  readonly action: ExecutionParameters;
}

/** Returns the digest of everything an executor acts on: what a token stands for. */
const actionDigestOf = (request: Pick<AccessRequest, 'entitlement' | 'parameters'>): string =>
  digestOf({ entitlement: request.entitlement, parameters: request.parameters ?? null });

/** Releases tokens for approved executions and redeems each once. Both prove the request again at that moment. */
export class ExecutionTokens {
  readonly #refused = new Map<string, number>();

  constructor(private readonly options: ExecutionTokensOptions) {}

  /** Returns a token bound to `holderKey`, if the request is approved and today's policy still agrees. */
  async release(
    caller: Caller,
    requestId: string,
    holderKey: string,
  ): Promise<Readonly<Record<string, unknown>>> {
    const { keys, publicUrl, nowMs } = this.options;
    const { authorisation, evidence } = await this.#proved(caller, requestId);
    const store = this.#tokenUsesOf(authorisation);
    const tokenId = randomUUID();
    const issued = await carry(() => store.issue(authorisation, tokenId, holderKey));
    if (!issued.ok) throw refusalProblem(issued.refusal);
    const { request } = evidence.submission;
    const expiresAtMs = Number(issued.value.token_until_ms);
    const token = await keys.sign('execution', {
      iss: publicUrl,
      aud: issued.value.audience,
      sub: request.beneficiary,
      client: caller.principal,
      jti: tokenId,
      iat: Math.floor(nowMs() / 1_000),
      exp: Math.ceil(expiresAtMs / 1_000),
      cnf: { jkt: holderKey },
      request: request.id,
      request_digest: authorisation.terms.requestDigest,
      action_digest: actionDigestOf(request),
    });
    return {
      token,
      token_type: 'DPoP',
      audience: issued.value.audience,
      expires_at: new Date(expiresAtMs).toISOString(),
      request: request.id,
      action_digest: actionDigestOf(request),
    };
  }

  /** Redeems a token: once, by its audience, for exactly its action, with a proof of its holder. */
  async redeem(caller: Caller, redemption: Redemption): Promise<Readonly<Record<string, unknown>>> {
    const { evidence, authorisation, use } = await this.check(caller, redemption);
    const store = this.#tokenUsesOf(authorisation);
    const isFirstUse: IsFirstUse = (id, untilMs) => this.options.executed.first(id, untilMs);
    const redeemed = await carry(() => store.redeem(authorisation, use, caller.principal, isFirstUse));
    const { request } = evidence.submission;
    if (!redeemed.ok) throw await this.#refuse(caller, redeemed.refusal, use);
    await this.options.reporter.report({
      requestId: request.id,
      digest: authorisation.terms.requestDigest,
      outcome: 'redeemed',
      reporter: caller.principal,
    });
    return {
      request: request.id,
      digest: authorisation.terms.requestDigest,
      redeemed_at: new Date(Number(redeemed.value.redeemed_at_ms)).toISOString(),
      entitlement: request.entitlement,
      parameters: request.parameters,
      beneficiary: request.beneficiary,
      grant: authorisation.terms.binding.grant,
    };
  }

  /** Checks everything about a token but its single use, which the token-use store checks. */
  async check(
    caller: Caller,
    { token, holderProof, action }: Redemption,
  ): Promise<{ readonly authorisation: Authorisation; readonly evidence: Evidence; readonly use: Use }> {
    const { keys, publicUrl, dpop, nowMs } = this.options;
    const verified = await keys.verify('execution', token, { issuer: publicUrl, nowMs: nowMs() });
    // Our own signature on an expired token still says on which request's record the attempt belongs.
    const signed =
      verified === 'expired'
        ? await keys.verify('execution', token, { issuer: publicUrl, nowMs: 0 })
        : verified;
    const parsed = executionClaimsSchema.safeParse(signed);
    if (!parsed.success)
      throw await this.#refuse(caller, { code: 'BAD_SIGNATURE', detail: 'the token does not verify' });
    const {
      aud,
      jti,
      cnf,
      request: requestId,
      request_digest: digest,
      action_digest: actionDigest,
    } = parsed.data;
    const no = (code: RefusalCode, detail: string) =>
      this.#refuse(caller, { code, detail }, { requestId, requestDigest: digest });
    if (verified === 'expired') throw await no('EXPIRED_STATEMENT', 'the token has expired');
    if (aud !== caller.principal) throw await no('NOT_ELIGIBLE', 'the token is for another audience');
    const url = `${publicUrl}/v1/execution-tokens/redeem`;
    const holderKey = await dpop.verify(holderProof, { method: 'POST', url, token });
    if (holderKey !== cnf.jkt) throw await no('BAD_SIGNATURE', 'the proof is not by the holder of the token');
    const use: Use = {
      requestId,
      requestDigest: digest,
      tokenId: jti,
      holderKey: cnf.jkt,
      audience: aud,
    };
    const row = await this.#rowOf(requestId);
    const early = row && whyNot(row, use, nowMs());
    if (early !== undefined) throw await no(early.code, early.detail);
    const { client, authority } = this.options;
    const proved = await carry(async () => proveRequest(client, requestId, nowMs(), await authority()));
    if (!proved.ok) throw await no(proved.refusal.code, proved.refusal.detail);
    const { authorisation, evidence } = proved.value;
    const { request } = evidence.submission;
    if (authorisation.terms.requestDigest !== digest || actionDigestOf(request) !== actionDigest)
      throw await no('DIGEST_MISMATCH', 'the token was made for another request');
    const asked = { entitlement: request.entitlement, parameters: action };
    if (actionDigestOf(asked) !== actionDigest)
      throw await no('DIGEST_MISMATCH', 'the action differs from the one that was approved');
    return { authorisation, evidence, use };
  }

  /** Takes the outcome of an execution from its executor, with a reason if the executor refused to carry it out. */
  async outcome(caller: Caller, requestId: string, outcome: ExecutionOutcome, reasonCode?: RefusalCode) {
    const { client, reporter } = this.options;
    const submission = await carry(() => client.submissionOf(requestId));
    const store = this.options.tokenUses.get(submission.request.entitlement.connector);
    const row = await carry(async () => store?.find(requestId));
    const who = reasonCode === undefined ? row?.redeemed_by : row?.audience;
    if (row?.request_digest == null || who !== caller.principal)
      throw new HttpProblem(404, 'you have not used a token of such a request');
    const digest = row.request_digest;
    const reporting = { requestId, digest, outcome, reporter: caller.principal };
    const recorded =
      reasonCode === undefined
        ? await reporter.report(reporting)
        : await this.#record(caller, reasonCode, { requestId, requestDigest: digest });
    return { request: requestId, outcome, recorded };
  }

  /** Returns the evidence of a request, for the executor to verify by itself. */
  async evidence(caller: Caller, requestId: string): Promise<Evidence> {
    const { client, authority, nowMs } = this.options;
    const proved = await carry(async () => proveRequest(client, requestId, nowMs(), await authority()));
    const isAudience =
      proved.ok && proved.value.authorisation.terms.binding.grant['audience'] === caller.principal;
    if (!proved.ok || !isAudience) throw new HttpProblem(404, 'there is no such execution for you');
    return proved.value.evidence;
  }

  async #proved(caller: Caller, requestId: string) {
    const { client, authority, nowMs } = this.options;
    const missing = new HttpProblem(404, 'there is no such execution for you');
    const submission = await carry(() => client.submissionOf(requestId), missing);
    const { requester, beneficiary, kind } = submission.request;
    if (kind !== 'execution' || (caller.principal !== requester && caller.principal !== beneficiary))
      throw missing;
    const row = await this.#rowOf(requestId);
    const over = row && refuseUse(row, nowMs());
    if (over !== undefined) throw refusalProblem(over);
    const proved = await carry(
      async () => proveRequest(client, requestId, nowMs(), await authority()),
      missing,
    );
    if (!proved.ok) throw refusalProblem(proved.refusal);
    return proved.value;
  }

  /** Looks a request up in the token-use stores. Read before the proof, which costs far more. */
  async #rowOf(requestId: string): Promise<ExecutionRow | undefined> {
    for (const store of this.options.tokenUses.values()) {
      const row = await carry(() => store.find(requestId));
      if (row !== undefined) return row;
    }
    return undefined;
  }

  #tokenUsesOf({ terms }: Authorisation): TokenUseStore {
    const store = this.options.tokenUses.get(terms.entitlement.connector);
    if (store === undefined)
      throw new HttpProblem(503, 'this gateway has no token-use store for that connector');
    return store;
  }

  async #refuse(caller: Caller, refusal: Refusal, about?: About): Promise<HttpProblem> {
    await this.#record(caller, refusal.code, about);
    return refusalProblem(refusal);
  }

  /** Logs a refused use, and puts the first ones of a request on its record. */
  async #record(caller: Caller, reasonCode: RefusalCode, about?: About): Promise<boolean> {
    const { reporter } = this.options;
    const said = { outcome: 'redemption_refused', reporter: caller.principal, reasonCode } as const;
    const count = about === undefined ? MOST_RECORDED : (this.#refused.get(about.requestId) ?? 0);
    if (about === undefined || count >= MOST_RECORDED) {
      reporter.logRefusal(said, about?.requestId);
      return false;
    }
    if (this.#refused.size > 50_000) this.#refused.clear();
    this.#refused.set(about.requestId, count + 1);
    return reporter.report({ requestId: about.requestId, digest: about.requestDigest, ...said });
  }
}

/** The request whose token was refused. */
type About = Pick<Use, 'requestId' | 'requestDigest'>;

/** Returns a refusal of the core as a problem: 409 if the token is used up or not usable yet, 403 otherwise. */
function refusalProblem({ code, detail }: Refusal): HttpProblem {
  const status = code === 'REPLAYED' || code === 'NOT_NOW' || code === 'LEASE_ENDED' ? 409 : 403;
  return new HttpProblem(status, detail, { code });
}

/**
 * Calls Temporal or a token-use store.
 *
 * @throws HttpProblem `missing` (404 by default) if there is no such request, 503 if the other side cannot be reached
 */
async function carry<T>(call: () => Promise<T>, missing?: HttpProblem): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof HttpProblem) throw error;
    const isMissing =
      error instanceof CountersignError && ['NOT_FOUND', 'INVALID_REQUEST'].includes(error.code);
    if (isMissing) throw missing ?? new HttpProblem(404, 'there is no such request');
    throw new HttpProblem(503, 'this cannot be looked up now; try again', {
      headers: { 'Retry-After': '2' },
    });
  }
}
