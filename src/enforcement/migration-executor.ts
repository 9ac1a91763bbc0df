import { escapeIdentifier, type PoolClient } from 'pg';
import { consume } from '../connectors/execution-token/ledger';
import { Database } from '../connectors/postgresql/database';
import { evidenceSchema } from '../contracts/evidence';
import { digestOf, requestDigest } from '../domain/digest';
import type { Directory, Policy } from '../domain/ports';
import { type Authorisation, proveAuthorised } from '../domain/prove';
import type { Refusal, RefusalCode } from '../domain/refusal';
import type { AccessRequest } from '../domain/request';
import { readMigration } from './migration-text';
import type { TokenCheck } from './token-check';

export interface MigrationExecutorOptions {
  /** The target, which also keeps the ledger: using a token and running the migration are one transaction. */
  readonly url: string;
  /** The identity that this executor is, and that a token has to be for. */
  readonly audience: string;
  /** Today's directory and policy, from this executor's own copy of the bundle. */
  readonly authority: () => Promise<{ readonly directory: Directory; readonly policy: Policy }>;
  /** Fetches the evidence of a request. What comes is believed only as far as it proves. */
  readonly evidence: (requestId: string) => Promise<unknown>;
  readonly tokens: TokenCheck;
  /** Puts what became of it on the record of the request; what it fails to say, the ledger still knows. */
  readonly report?: (
    requestId: string,
    outcome: 'redeemed' | 'succeeded' | 'failed' | 'unknown',
  ) => Promise<unknown>;
  readonly nowMs?: () => number;
}

export type MigrationOutcome =
  | { readonly outcome: 'succeeded'; readonly request: string; readonly rows: readonly number[] }
  /** The token is used up; nothing of the migration stayed. */
  | { readonly outcome: 'failed'; readonly request: string; readonly sqlState: string }
  /** The connection broke before the database had answered. It may have happened or not; it will not happen again. */
  | { readonly outcome: 'unknown'; readonly request: string }
  | { readonly outcome: 'refused'; readonly refusal: Refusal; readonly request?: string };

/**
 * Runs approved migrations: exactly the statements that were approved, in one transaction with the use of their token,
 * and nothing else. It believes neither the one who calls it nor the gateway: the evidence is proved here.
 */
export class MigrationExecutor {
  readonly #database: Database;
  readonly #nowMs: () => number;

  constructor(private readonly options: MigrationExecutorOptions) {
    this.#database = new Database({ url: options.url });
    this.#nowMs = options.nowMs ?? Date.now;
  }

  async execute(presented: {
    readonly token: string;
    readonly holderProof: string;
  }): Promise<MigrationOutcome> {
    const { audience, tokens, evidence: fetchEvidence, authority } = this.options;
    const claims = await tokens.check(presented, audience);
    if (!claims.ok) return { outcome: 'refused', refusal: claims.refusal };
    const {
      request: requestId,
      request_digest: digest,
      jti,
      cnf,
      action_digest: actionDigest,
    } = claims.value;
    const evidence = evidenceSchema.safeParse(await fetchEvidence(requestId));
    if (!evidence.success) return refusal('NOT_AUTHORISED', 'there is no evidence', requestId);
    const { directory, policy } = await authority();
    const proof = await proveAuthorised(evidence.data, this.#nowMs(), directory, policy);
    if (!proof.ok) return { outcome: 'refused', refusal: proof.refusal, request: requestId };
    const { request } = evidence.data.submission;
    const { terms } = proof.value;
    const isThis =
      request.id === requestId && terms.requestDigest === digest && requestDigest(request) === digest;
    if (
      !isThis ||
      actionDigest !== digestOf({ entitlement: request.entitlement, parameters: request.parameters })
    )
      return refusal('DIGEST_MISMATCH', 'the token was made for another request', requestId);
    if (terms.kind !== 'execution' || terms.binding.grant['audience'] !== audience)
      return refusal('NOT_ELIGIBLE', 'it is not for this executor to carry out', requestId);
    const migration = readMigration(request.parameters);
    if (!migration.ok) return refusal('MALFORMED', migration.detail, requestId);
    const use = { requestId, requestDigest: digest, tokenId: jti, holderKey: cnf.jkt, audience };
    const outcome = await this.#database
      .transaction(async (client): Promise<MigrationOutcome> => {
        const used = await consume(client, proof.value, use, audience, this.#nowMs());
        if (!used.ok) return { outcome: 'refused', refusal: used.refusal, request: requestId };
        return run(client, proof.value, request, migration.statements);
      })
      .catch((): MigrationOutcome => ({ outcome: 'unknown', request: requestId }));
    await this.#report(requestId, outcome.outcome);
    return outcome;
  }

  async #report(requestId: string, outcome: MigrationOutcome['outcome']): Promise<void> {
    const { report } = this.options;
    if (report === undefined || outcome === 'refused') return;
    try {
      await report(requestId, 'redeemed');
      await report(requestId, outcome);
    } catch {
      // The record of the request lacks it; the ledger beside the target has it.
    }
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

/** Runs the statements under the role that the catalog names. Where one fails, none stays, and the token is used up. */
async function run(
  client: PoolClient,
  { terms }: Authorisation,
  request: AccessRequest,
  statements: readonly string[],
): Promise<MigrationOutcome> {
  const role = terms.binding.grant['role'];
  if (role === undefined)
    return refusal('TARGET_REFUSED', 'the catalog names no role to run it as', request.id);
  await client.query('SAVEPOINT before_migration');
  try {
    await client.query(`SET LOCAL ROLE ${escapeIdentifier(role)}`);
    await client.query("SET LOCAL statement_timeout = '60s'");
    await client.query("SET LOCAL lock_timeout = '10s'");
    const rows: number[] = [];
    for (const text of statements) {
      const { rowCount } = await client.query(oneStatement(text));
      rows.push(rowCount ?? 0);
      if (!(await runsAs(client, role))) throw new Error('the statement changed its role');
    }
    await client.query('RESET ROLE');
    return { outcome: 'succeeded', request: request.id, rows };
  } catch (error) {
    await client.query('ROLLBACK TO SAVEPOINT before_migration');
    await client.query('RESET ROLE');
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    return { outcome: 'failed', request: request.id, sqlState: code };
  }
}

/** By the extended protocol, which takes one statement at a time: no text holds two. */
const oneStatement = (text: string): { text: string } => {
  const query = { text, queryMode: 'extended' };
  return query;
};

async function runsAs(client: PoolClient, role: string): Promise<boolean> {
  const { rows } = await client.query<{ held: boolean }>('SELECT current_user = $1 AS held', [role]);
  return rows[0]?.held === true;
}

const refusal = (code: RefusalCode, detail: string, request: string): MigrationOutcome => ({
  outcome: 'refused',
  refusal: { code, detail },
  request,
});
