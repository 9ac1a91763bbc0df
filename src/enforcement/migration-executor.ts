import { consume, type Use, whyNot } from '../connectors/execution-token/ledger';
import type { ExecutionRow } from '../connectors/execution-token/ledger-schema';
import { Database } from '../connectors/postgresql/database';
import { evidenceSchema } from '../contracts/evidence';
import type { ExecutionClaims } from '../contracts/statement';
import { digestOf, requestDigest } from '../domain/digest';
import type { Directory, Policy } from '../domain/ports';
import { type Authorisation, proveAuthorised } from '../domain/prove';
import { accepted, type Refusal, type Result, refused } from '../domain/refusal';
import type { ExecutionOutcome } from '../domain/statement';
import { MigrationSession, type Ran } from './migration-session';
import { readMigration } from './migration-text';
import type { TokenCheck } from './token-check';

export interface MigrationExecutorOptions {
  /** Where the ledger is, by a login that may write it. No text of a migration ever runs there. */
  readonly ledgerUrl: string;
  /**
   * Where a migration logs in, by the role that the catalog names: as that role itself, or as a login that is a member of
   * it and of nothing else. A login that can do more is refused.
   */
  readonly loginOf: (role: string) => string | undefined;
  /** The identity that this executor is, and that a token has to be for. */
  readonly audience: string;
  /** Today's directory and policy, from this executor's own copy of the bundle. */
  readonly authority: () => Promise<{ readonly directory: Directory; readonly policy: Policy }>;
  /** Fetches the evidence of a request. What comes is believed only as far as it proves. */
  readonly evidence: (requestId: string) => Promise<unknown>;
  readonly tokens: TokenCheck;
  /** Puts what became of it on the record of the request; what it fails to say, the ledger and the log still know. */
  readonly report?: (requestId: string, outcome: ExecutionOutcome, reasonCode?: string) => Promise<unknown>;
  /** Is told each refusal, also of what names no request that could be believed. */
  readonly log?: { warn(about: object, message: string): void };
  readonly nowMs?: () => number;
}

export type MigrationOutcome =
  | { readonly outcome: 'succeeded'; readonly request: string; readonly rows: readonly number[] }
  /** The token is used up; nothing of the migration stayed. */
  | { readonly outcome: 'failed'; readonly request: string; readonly sqlState: string }
  /** The token is used up, and the target did not say how it ended. It may have happened or not. */
  | { readonly outcome: 'unknown'; readonly request: string }
  /** Nothing of the migration was run. */
  | { readonly outcome: 'refused'; readonly refusal: Refusal; readonly request?: string };

/** What is ready to be run: proved, read, and not yet used. */
interface Ready {
  readonly authorisation: Authorisation;
  readonly use: Use;
  readonly role: string;
  readonly url: string;
  readonly statements: readonly string[];
}

/** Migrations at a time; each has a connection to the target. */
const MOST_AT_ONCE = 16;
/** Refusals that are reported of one request; the log has all of them. */
const MOST_REPORTED = 8;
const MOST_REQUESTS = 10_000;

/**
 * Runs approved migrations: exactly the statements that were approved, once, and nothing else. It believes neither the one
 * who calls it nor the gateway: the evidence is proved here. The token is used up in the ledger before the first statement,
 * on a connection of its own; the statements run in one transaction on another, whose login cannot reach the ledger.
 */
export class MigrationExecutor {
  readonly #ledger: Database;
  readonly #nowMs: () => number;
  readonly #refused = new Map<string, number>();
  #running = 0;

  constructor(private readonly options: MigrationExecutorOptions) {
    this.#ledger = new Database({ url: options.ledgerUrl });
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
      return this.#refuse({ code: 'RATE_LIMITED', detail: 'too much is being executed; try again' }, request);
    this.#running += 1;
    try {
      const ready = await this.#prove(claims.value).catch(() =>
        refused('NOT_AUTHORISED', 'it cannot be proved now'),
      );
      if (!ready.ok) return await this.#refuse(ready.refusal, request);
      const ran = await this.#useAndRun(ready.value);
      return ran.ok ? { ...ran.value, request } : await this.#refuse(ran.refusal, request);
    } finally {
      this.#running -= 1;
    }
  }

  close(): Promise<void> {
    return this.#ledger.close();
  }

  /** Everything that has to hold before a token is used. */
  async #prove(claims: ExecutionClaims): Promise<Result<Ready>> {
    const { audience, evidence: fetchEvidence, authority, loginOf } = this.options;
    const { request: requestId, request_digest: digest, jti, cnf, action_digest: actionDigest } = claims;
    const use: Use = { requestId, requestDigest: digest, tokenId: jti, holderKey: cnf.jkt, audience };
    const early = await this.#whyNot(use);
    if (early !== undefined) return { ok: false, refusal: early };
    const evidence = evidenceSchema.safeParse(await fetchEvidence(requestId));
    if (!evidence.success) return refused('NOT_AUTHORISED', 'there is no evidence');
    const { directory, policy } = await authority();
    const proof = await proveAuthorised(evidence.data, this.#nowMs(), directory, policy);
    if (!proof.ok) return proof;
    const { request } = evidence.data.submission;
    const { terms } = proof.value;
    const isThis =
      request.id === requestId && terms.requestDigest === digest && requestDigest(request) === digest;
    if (
      !isThis ||
      actionDigest !== digestOf({ entitlement: request.entitlement, parameters: request.parameters })
    )
      return refused('DIGEST_MISMATCH', 'the token was made for another request');
    if (terms.kind !== 'execution' || terms.binding.grant['audience'] !== audience)
      return refused('NOT_ELIGIBLE', 'it is not for this executor to carry out');
    const migration = readMigration(request.parameters);
    if (!migration.ok) return refused('MALFORMED', migration.detail);
    const role = terms.binding.grant['role'];
    if (role === undefined) return refused('TARGET_REFUSED', 'the catalog names no role to run it as');
    const url = loginOf(role);
    if (url === undefined) return refused('TARGET_REFUSED', `there is no login here for ${role}`);
    return accepted({ authorisation: proof.value, use, role, url, statements: migration.statements });
  }

  /** What the ledger alone says against it, which costs far less than a proof. */
  async #whyNot(use: Use): Promise<Refusal | undefined> {
    const [row] = await this.#ledger.query<ExecutionRow>(
      'SELECT * FROM countersign.execution WHERE request_id = $1',
      [use.requestId],
    );
    return row && whyNot(row, use, this.#nowMs());
  }

  /** The target first, so that one that is away uses nothing up; then the ledger, once and for all; then the statements. */
  async #useAndRun({ authorisation, use, role, url, statements }: Ready): Promise<Result<Ran>> {
    const session = await MigrationSession.open(url, role);
    if (!session.ok) return session;
    try {
      const used = await this.#ledger
        .transaction((client) => consume(client, authorisation, use, this.options.audience, this.#nowMs()))
        .catch(() => refused('NOT_NOW', 'the ledger did not answer, so nothing was run'));
      if (!used.ok) return used;
      const told = this.#report(use.requestId, 'redeemed');
      const ran = await session.value.run(statements);
      await told;
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
      this.options.log?.warn({ request: requestId, outcome, reasonCode }, 'this could not be reported');
    }
  }
}
