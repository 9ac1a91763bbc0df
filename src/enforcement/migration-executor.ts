import { evidenceSchema } from '../contracts/evidence';
import type { Logger } from '../contracts/logger';
import type { ExecutionClaims } from '../contracts/statement';
import { Database } from '../database/database';
import { digestOf, requestDigest } from '../domain/digest';
import type { Authority } from '../domain/ports';
import { type Authorisation, proveAuthorised } from '../domain/prove';
import { accepted, type Refusal, type Result, refused, refusedBy } from '../domain/refusal';
import type { ExecutionOutcome } from '../domain/statement';
import type { ExecutionRow } from '../token-uses/row';
import { consume, type Use, whyNot } from '../token-uses/store';
import { MigrationSession, type Ran } from './migration-session';
import { readMigration } from './migration-text';
import type { TokenCheck } from './token-check';

export interface MigrationExecutorOptions {
  /** Address of the database with the token uses, with a login that may write them. Migrations never run there. */
  readonly tokenUsesUrl: string;
  /**
   * Returns the address and login for a role of the catalog: as that role itself, or as a login that is a member of
   * it and of nothing else. A login that can do more is refused.
   */
  readonly loginOf: (role: string) => string | undefined;
  /** The identity of this executor, which must be the audience of a token. */
  readonly audience: string;
  /** Today's directory and policy, from this executor's own copy of the bundle. */
  readonly authority: () => Promise<Authority>;
  /** Fetches the evidence of a request. It is untrusted and gets proved here. */
  readonly evidence: (requestId: string) => Promise<unknown>;
  readonly tokens: TokenCheck;
  /** Reports the outcome to the request. If that fails, the outcome is still in the store of token uses and the log. */
  readonly report?: (requestId: string, outcome: ExecutionOutcome, reasonCode?: string) => Promise<unknown>;
  /** Logs each refusal, even if the token names no trustworthy request. */
  readonly log?: Logger;
  readonly nowMs?: () => number;
}

export type MigrationOutcome =
  | { readonly outcome: 'succeeded'; readonly request: string; readonly rows: readonly number[] }
  /** The token is used up; the migration changed nothing. */
  | { readonly outcome: 'failed'; readonly request: string; readonly sqlState: string }
  /** The token is used up, and the target did not report the end. The migration may have happened or not. */
  | { readonly outcome: 'unknown'; readonly request: string }
  /** The migration did not run. */
  | { readonly outcome: 'refused'; readonly refusal: Refusal; readonly request?: string };

/** A migration that is ready to run: proved and parsed, with an unused token. */
interface Ready {
  readonly authorisation: Authorisation;
  readonly use: Use;
  readonly role: string;
  readonly url: string;
  readonly statements: readonly string[];
}

/** Migrations at a time; each needs a connection to the target. */
const MOST_AT_ONCE = 16;
/** Refusals of one request that are reported; the log has all of them. */
const MOST_REPORTED = 8;
const MOST_REQUESTS = 10_000;

/**
 * Runs approved migrations: exactly the approved statements, once, and nothing else. It trusts neither its
 * caller nor the gateway: it proves the evidence itself. The token is used up in the store of token uses before the first statement,
 * on one connection; the statements run in one transaction on another, whose login cannot reach the store of token uses.
 */
export class MigrationExecutor {
  readonly #tokenUses: Database;
  readonly #nowMs: () => number;
  readonly #refused = new Map<string, number>();
  #running = 0;

  constructor(private readonly options: MigrationExecutorOptions) {
    this.#tokenUses = new Database({ url: options.tokenUsesUrl });
    this.#nowMs = options.nowMs ?? Date.now;
  }

  async execute(presented: {
    readonly token: string;
    readonly holderProof: string;
  }): Promise<MigrationOutcome> {
    const { audience, tokens } = this.options;
    const claims = await tokens.check(presented, audience);
    if (!claims.ok) return this.#refuse(claims.refusal, claims.request);
    const { request } = claims.value;
    if (this.#running >= MOST_AT_ONCE)
      return this.#refuse(
        { code: 'RATE_LIMITED', detail: 'too many migrations are running; try again' },
        request,
      );
    this.#running += 1;
    try {
      const ready = await this.#prove(claims.value);
      if (!ready.ok) return await this.#refuse(ready.refusal, request);
      const ran = await this.#useAndRun(ready.value);
      return ran.ok ? { ...ran.value, request } : await this.#refuse(ran.refusal, request);
    } finally {
      this.#running -= 1;
    }
  }

  close(): Promise<void> {
    return this.#tokenUses.close();
  }

  /** Checks everything that must hold before a token is used. */
  async #prove(claims: ExecutionClaims): Promise<Result<Ready>> {
    const { request: requestId, request_digest: requestDigest, jti, cnf } = claims;
    const { audience } = this.options;
    const use: Use = { requestId, requestDigest, tokenId: jti, holderKey: cnf.jkt, audience };
    const unanswered = () => refused('NOT_NOW', 'the evidence could not be fetched or proved; try again');
    try {
      const early = await this.#whyNot(use);
      if (early !== undefined) return refusedBy(early);
      const ready = await this.#proveEvidence(claims, use).catch(unanswered);
      if (ready.ok) return ready;
      // A use that was quicker ends the request, so there is no proof any more; the store says the reason.
      return refusedBy((await this.#whyNot(use)) ?? ready.refusal);
    } catch {
      return unanswered();
    }
  }

  async #proveEvidence(claims: ExecutionClaims, use: Use): Promise<Result<Ready>> {
    const { audience, evidence: fetchEvidence, authority, loginOf } = this.options;
    const { requestId, requestDigest: digest } = use;
    const evidence = evidenceSchema.safeParse(await fetchEvidence(requestId));
    if (!evidence.success)
      return refused('NOT_AUTHORISED', 'the evidence of the request is missing or malformed');
    const { directory, policy } = await authority();
    const proof = await proveAuthorised(evidence.data, this.#nowMs(), directory, policy);
    if (!proof.ok) return proof;
    const { request } = evidence.data.submission;
    const { terms } = proof.value;
    const isThis =
      request.id === requestId && terms.requestDigest === digest && requestDigest(request) === digest;
    if (
      !isThis ||
      claims.action_digest !== digestOf({ entitlement: request.entitlement, parameters: request.parameters })
    )
      return refused('DIGEST_MISMATCH', 'the token was made for another request');
    if (terms.kind !== 'execution' || terms.binding.grant['audience'] !== audience)
      return refused('NOT_ELIGIBLE', 'the request names another executor');
    const migration = readMigration(request.parameters);
    if (!migration.ok) return refused('MALFORMED', migration.detail);
    const role = terms.binding.grant['role'];
    if (role === undefined)
      return refused('TARGET_REFUSED', 'the catalog names no role to run the migration as');
    const url = loginOf(role);
    if (url === undefined) return refused('TARGET_REFUSED', `this executor has no login for ${role}`);
    return accepted({ authorisation: proof.value, use, role, url, statements: migration.statements });
  }

  /** Returns an objection that the store of token uses alone shows. This costs far less than a proof. */
  async #whyNot(use: Use): Promise<Refusal | undefined> {
    const [row] = await this.#tokenUses.query<ExecutionRow>(
      'SELECT * FROM countersign.execution WHERE request_id = $1',
      [use.requestId],
    );
    return row && whyNot(row, use, this.#nowMs());
  }

  /** Connects to the target first, so that an unreachable one uses nothing up. Then uses the token. Then runs the statements. */
  async #useAndRun({ authorisation, use, role, url, statements }: Ready): Promise<Result<Ran>> {
    const session = await MigrationSession.open(url, role);
    if (!session.ok) return session;
    try {
      const used = await this.#tokenUses
        .transaction((client) => consume(client, authorisation, use, this.options.audience, this.#nowMs()))
        .catch(() => refused('NOT_NOW', 'the store of token uses did not answer, so nothing was run'));
      if (!used.ok) return used;
      const reported = this.#report(use.requestId, 'redeemed');
      const ran = await session.value.run(statements);
      await reported;
      await this.#report(use.requestId, ran.outcome);
      return accepted(ran);
    } finally {
      session.value.close();
    }
  }

  async #refuse(refusal: Refusal, request?: string): Promise<MigrationOutcome> {
    const about = { ...(request !== undefined && { request }), reasonCode: refusal.code };
    this.options.log?.warn(about, 'an execution was refused');
    if (request === undefined) return { outcome: 'refused', refusal };
    const count = this.#refused.get(request) ?? 0;
    if (this.#refused.size >= MOST_REQUESTS) this.#refused.clear();
    this.#refused.set(request, count + 1);
    if (count < MOST_REPORTED) await this.#report(request, 'redemption_refused', refusal.code);
    return { outcome: 'refused', refusal, request };
  }

  async #report(requestId: string, outcome: ExecutionOutcome, reasonCode?: string): Promise<void> {
    try {
      await this.options.report?.(requestId, outcome, reasonCode);
    } catch {
      this.options.log?.warn(
        { request: requestId, outcome, reasonCode },
        'the outcome could not be reported',
      );
    }
  }
}
