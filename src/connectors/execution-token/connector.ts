import { withLeadership } from '../../database/leadership';
import type { EndCause, EndReason } from '../../domain/lease';
import type { Authorisation } from '../../domain/prove';
import type { ExecutionRow } from '../../token-uses/row';
import { TokenUseStore, type TokenUseStoreOptions } from '../../token-uses/store';
import {
  type Connector,
  type Inventory,
  type LeaseRecord,
  outcomeOfEarlier,
  type ProvisionResult,
  type RevocationResult,
} from '../contract';

/**
 * Lets exact actions be executed, each once, instead of giving access. A lease is the time in which that may happen. The
 * gateway makes the token itself, for the holder's key, so it never passes through here or through a Temporal history.
 */
export class ExecutionTokenConnector implements Connector {
  readonly #uses: TokenUseStore;
  readonly #nowMs: () => number;

  constructor(options: TokenUseStoreOptions) {
    this.#nowMs = options.nowMs ?? Date.now;
    this.#uses = new TokenUseStore(options);
  }

  async provision(authorisation: Authorisation): Promise<ProvisionResult> {
    const released = await this.#uses.release(authorisation);
    if (!released.ok) return { outcome: 'refused', refusal: released.refusal };
    return outcomeOfEarlier(recordOf(released.value), authorisation.terms.requestDigest);
  }

  async revoke(leaseId: string, reason: EndReason, cause?: EndCause): Promise<RevocationResult> {
    const row = await this.#uses.end(leaseId, reason, cause);
    // A row without a digest is a bar.
    if (row === undefined || row.request_digest === null) return { accessRemoved: false, neverGiven: true };
    const before = recordOf(row);
    return { accessRemoved: before.ended === undefined, before };
  }

  /** There is never drift: an execution leaves no access behind. */
  async list(scope: 'all' | 'alive' = 'all'): Promise<Inventory> {
    const rows = await this.#uses.query<ExecutionRow>(
      `SELECT * FROM countersign.execution WHERE $1 OR ended_at_ms IS NULL
        ORDER BY released_at_ms NULLS LAST, request_id`,
      [scope === 'all'],
    );
    return { leases: rows.map(recordOf), drift: [] };
  }

  async overdue(atMs: number): Promise<readonly LeaseRecord[]> {
    const rows = await this.#uses.query<ExecutionRow>(
      `SELECT * FROM countersign.execution
        WHERE ended_at_ms IS NULL AND expires_at_ms <= $1 ORDER BY expires_at_ms LIMIT 1000`,
      [atMs],
    );
    return rows.map(recordOf);
  }

  withReconcilerLock(work: () => Promise<void>): Promise<boolean> {
    return withLeadership('execution_reconciler', this.#uses, this.#nowMs(), work);
  }

  close(): Promise<void> {
    return this.#uses.close();
  }
}

function recordOf(row: ExecutionRow): LeaseRecord {
  const { ended_at_ms: endedAtMs, end_reason: reason, end_cause: cause } = row;
  const ended =
    reason === null ? {} : { ended: { atMs: Number(endedAtMs), reason, ...(cause && { cause }) } };
  return {
    id: row.request_id,
    account: row.account ?? '',
    grant: row.audience ?? '',
    requestDigest: row.request_digest ?? '',
    emergency: false,
    grantedAtMs: Number(row.released_at_ms ?? row.ended_at_ms),
    expiresAtMs: Number(row.expires_at_ms ?? row.ended_at_ms),
    ...ended,
    present: row.ended_at_ms === null,
  };
}
