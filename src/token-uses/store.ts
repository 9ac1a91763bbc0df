import type { PoolClient } from 'pg';
import { Database, type DatabaseOptions } from '../database/database';
import { lock } from '../database/row-lock';
import type { EndCause, EndReason } from '../domain/lease';
import { type Authorisation, isAuthorisation } from '../domain/prove';
import { accepted, type Refusal, type Result, refused } from '../domain/refusal';
import { TOKEN_USES } from './migrations';
import type { ExecutionRow } from './row';

export interface TokenUseStoreOptions extends DatabaseOptions {
  readonly nowMs?: () => number;
}

/** The longest life of a token, however long the execution may take. */
const TOKEN_LIFE_MS = 5 * 60_000;

/** Which token of which request is used, by whom. A token is consumed only if all of this matches. */
export interface Use {
  readonly requestId: string;
  readonly requestDigest: string;
  readonly tokenId: string;
  readonly holderKey: string;
  readonly audience: string;
}

/** Remembers the use of a request until it can no longer be executed. Resolves to false if it was used before. */
export type IsFirstUse = (requestId: string, untilMs: number) => Promise<boolean>;

/** Records executions that may still happen, each once. Methods that let something happen demand a proof. */
export class TokenUseStore {
  readonly #database: Database;
  readonly #nowMs: () => number;

  constructor({ nowMs = Date.now, ...database }: TokenUseStoreOptions) {
    this.#database = new Database(database, [TOKEN_USES]);
    this.#nowMs = nowMs;
  }

  /** Lets what was proved be executed once, until its end. Asked again, it returns the same row, even if it ended or was barred. */
  async release(authorisation: Authorisation): Promise<Result<ExecutionRow>> {
    if (!isAuthorisation(authorisation)) return refused('NOT_AUTHORISED', 'this is not a proof');
    const { terms } = authorisation;
    const audience = terms.binding.grant['audience'];
    if (terms.kind !== 'execution' || audience === undefined)
      return refused('TARGET_REFUSED', 'the catalog names no audience that would execute this');
    return this.#database.transaction(async (client) => {
      await lock(client, `execution ${terms.leaseId}`);
      const earlier = await findExecution(client, terms.leaseId);
      if (earlier !== undefined) return accepted(earlier);
      const nowMs = this.#nowMs();
      const { rows } = await client.query<ExecutionRow>(
        `INSERT INTO countersign.execution
           (request_id, request_digest, account, audience, released_at_ms, expires_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING *`,
        [
          terms.leaseId,
          terms.requestDigest,
          terms.binding.account,
          audience,
          nowMs,
          nowMs + terms.durationMs,
        ],
      );
      return rows[0] === undefined ? refused('TARGET_REFUSED', 'nothing was written') : accepted(rows[0]);
    });
  }

  /**
   * Binds a new token to the key of its holder. It replaces the token before it, so there is one at a time. A holder who lost
   * a token can ask again at once with the same key, and with another key after the old token has expired. Once a token was
   * used there are no more.
   */
  async issue(
    authorisation: Authorisation,
    tokenId: string,
    holderKey: string,
  ): Promise<Result<ExecutionRow>> {
    if (!isAuthorisation(authorisation)) return refused('NOT_AUTHORISED', 'this is not a proof');
    const { leaseId, requestDigest } = authorisation.terms;
    return this.#database.transaction(async (client) => {
      const nowMs = this.#nowMs();
      const row = await findExecution(client, leaseId);
      if (row === undefined) return refused('NOT_NOW', 'it has not been released yet');
      const usable = fits(row, requestDigest);
      if (!usable.ok) return usable;
      const refusal = refuseUse(row, nowMs);
      if (refusal !== undefined) return { ok: false, refusal };
      if (row.holder_key !== null && row.holder_key !== holderKey && Number(row.token_until_ms) > nowMs) {
        const until = new Date(Number(row.token_until_ms)).toISOString();
        return refused('NOT_NOW', `its token is bound to another key until ${until}; ask again then`);
      }
      const untilMs = Math.min(nowMs + TOKEN_LIFE_MS, Number(row.expires_at_ms));
      const { rows } = await client.query<ExecutionRow>(
        `UPDATE countersign.execution SET token_id = $2, holder_key = $3, token_until_ms = $4
          WHERE request_id = $1 RETURNING *`,
        [leaseId, tokenId, holderKey, untilMs],
      );
      return rows[0] === undefined ? refused('NOT_NOW', 'it is gone') : accepted(rows[0]);
    });
  }

  /**
   * Consumes a token in a transaction of its own, for targets without transactions. Then another store says whether it is the first use,
   * because this one forgets uses when it is restored. Nobody may execute before both have said so. Not within the transaction: both may
   * be one database that serves one connection at a time.
   *
   * @throws what `isFirstUse` throws; the token is used up then, and nothing may be executed
   */
  async redeem(
    authorisation: Authorisation,
    use: Use,
    by: string,
    isFirstUse: IsFirstUse,
  ): Promise<Result<ExecutionRow>> {
    const consumed = await this.#database.transaction((client) =>
      consume(client, authorisation, use, by, this.#nowMs()),
    );
    if (!consumed.ok || (await isFirstUse(use.requestId, Number(consumed.value.expires_at_ms))))
      return consumed;
    return refused('REPLAYED', 'it has been executed, by what gateways remember of used tokens');
  }

  async find(requestId: string): Promise<ExecutionRow | undefined> {
    const [row] = await this.#database.query<ExecutionRow>(
      'SELECT * FROM countersign.execution WHERE request_id = $1',
      [requestId],
    );
    return row;
  }

  /** Ends an execution for good, or bars it if it is unknown. Returns the row as it was before. */
  async end(requestId: string, reason: EndReason, cause?: EndCause): Promise<ExecutionRow | undefined> {
    return this.#database.transaction(async (client) => {
      await lock(client, `execution ${requestId}`);
      const before = await findExecution(client, requestId);
      await client.query(
        `INSERT INTO countersign.execution (request_id, ended_at_ms, end_reason) VALUES ($1, $2, 'barred')
         ON CONFLICT (request_id) DO UPDATE SET ended_at_ms = $2, end_reason = $3, end_cause = $4
          WHERE countersign.execution.ended_at_ms IS NULL`,
        [requestId, this.#nowMs(), reason, cause ?? null],
      );
      return before;
    });
  }

  query<Row extends import('pg').QueryResultRow>(text: string, values: readonly unknown[] = []) {
    return this.#database.query<Row>(text, values);
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  /** Resolves once the tables are up to date. */
  migrated(): Promise<void> {
    return this.#database.migrated();
  }
}

/**
 * Consumes a token in the caller's transaction, the one that starts the execution. A single statement checks every condition, so
 * of any number of concurrent attempts exactly one succeeds.
 */
export async function consume(
  client: PoolClient,
  authorisation: Authorisation,
  use: Use,
  by: string,
  nowMs: number,
): Promise<Result<ExecutionRow>> {
  if (!isAuthorisation(authorisation)) return refused('NOT_AUTHORISED', 'this is not a proof');
  const { terms } = authorisation;
  if (terms.leaseId !== use.requestId || terms.requestDigest !== use.requestDigest)
    return refused('DIGEST_MISMATCH', 'the proof is of another request');
  const { rows } = await client.query<ExecutionRow>(
    `UPDATE countersign.execution SET redeemed_at_ms = $6, redeemed_by = $7
      WHERE request_id = $1 AND request_digest = $2 AND token_id = $3 AND holder_key = $4 AND audience = $5
        AND redeemed_at_ms IS NULL AND ended_at_ms IS NULL AND expires_at_ms > $6 AND token_until_ms > $6
      RETURNING *`,
    [use.requestId, use.requestDigest, use.tokenId, use.holderKey, use.audience, nowMs, by],
  );
  if (rows[0] !== undefined) return accepted(rows[0]);
  const row = await findExecution(client, use.requestId);
  if (row === undefined) return refused('NOT_NOW', 'it has not been released');
  const refusal = whyNot(row, use, nowMs);
  return refusal === undefined
    ? refused('EXPIRED_STATEMENT', 'the token has expired')
    : { ok: false, refusal };
}

/**
 * Returns what the record alone says against a use, or undefined. Ask this first, because proving costs far more, and a token
 * that was used, ended or replaced needs no proof. If it returns undefined, `consume` still decides.
 */
export function whyNot(row: ExecutionRow, use: Use, nowMs: number): Refusal | undefined {
  const usable = fits(row, use.requestDigest);
  if (!usable.ok) return usable.refusal;
  const refusal = refuseUse(row, nowMs);
  if (refusal !== undefined) return refusal;
  if (row.audience !== use.audience)
    return { code: 'NOT_ELIGIBLE', detail: 'the token is for another audience' };
  if (row.holder_key !== use.holderKey)
    return { code: 'BAD_SIGNATURE', detail: 'the token is bound to another key' };
  if (row.token_id !== use.tokenId)
    return { code: 'REPLAYED', detail: 'a newer token has taken the place of this one' };
  return undefined;
}

async function findExecution(client: PoolClient, requestId: string): Promise<ExecutionRow | undefined> {
  const { rows } = await client.query<ExecutionRow>(
    'SELECT * FROM countersign.execution WHERE request_id = $1 FOR UPDATE',
    [requestId],
  );
  return rows[0];
}

function fits(row: ExecutionRow, requestDigest: string): Result<ExecutionRow> {
  if (row.end_reason !== null) return refused('LEASE_ENDED', `it has ended (${row.end_reason})`);
  if (row.request_digest !== requestDigest)
    return refused('DIGEST_MISMATCH', 'it was released for another request of this id');
  return accepted(row);
}

/** Returns why an execution can no longer happen, whoever asks, or undefined if it can. */
export function refuseUse(row: ExecutionRow, nowMs: number): Refusal | undefined {
  if (row.end_reason !== null) return { code: 'LEASE_ENDED', detail: `it has ended (${row.end_reason})` };
  if (row.redeemed_at_ms !== null) return { code: 'REPLAYED', detail: 'its token has been used' };
  if (Number(row.expires_at_ms) <= nowMs) return { code: 'LEASE_ENDED', detail: 'its time is over' };
  return undefined;
}
