import type { EndCause } from '../../domain/lease';
import type { Authorisation } from '../../domain/prove';
import {
  type Connector,
  type ConnectorDescription,
  type EndReason,
  type Inventory,
  type LeaseRecord,
  outcomeOfEarlier,
  type ProvisionOutcome,
  type RevocationOutcome,
} from '../contract';
import { inTurn } from '../postgresql/turn';
import { ExecutionLedger, type LedgerOptions } from './ledger';
import type { ExecutionRow } from './ledger-schema';

/**
 * Lets exact actions be executed, each once, in place of giving access. Its lease is the time in which that may happen;
 * the token itself is made at the gateway, for the holder's key, and never passes through here or through a history.
 */
export class ExecutionTokenConnector implements Connector {
  readonly #ledger: ExecutionLedger;
  readonly #name: string;
  readonly #nowMs: () => number;

  constructor({ name, ...options }: LedgerOptions & { readonly name: string }) {
    this.#name = name;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#ledger = new ExecutionLedger(options);
  }

  describe(): ConnectorDescription {
    return { name: this.#name, kind: 'execution-token', endsByItself: true };
  }

  async provision(authorisation: Authorisation): Promise<ProvisionOutcome> {
    const released = await this.#ledger.release(authorisation);
    if (!released.ok) return { outcome: 'refused', refusal: released.refusal };
    return outcomeOfEarlier(recordOf(released.value), authorisation.terms.requestDigest);
  }

  async revoke(leaseId: string, reason: EndReason, cause?: EndCause): Promise<RevocationOutcome> {
    const row = await this.#ledger.end(leaseId, reason, cause);
    // A row without a digest is a bar, and stays one.
    if (row === undefined || row.request_digest === null) return { accessRemoved: false, neverGiven: true };
    const before = recordOf(row);
    return { accessRemoved: before.ended === undefined, before };
  }

  /** What is executed leaves nothing behind that could drift. */
  async list(scope: 'all' | 'alive' = 'all'): Promise<Inventory> {
    const rows = await this.#ledger.query<ExecutionRow>(
      `SELECT * FROM countersign.execution WHERE $1 OR ended_at_ms IS NULL
        ORDER BY released_at_ms NULLS LAST, request_id`,
      [scope === 'all'],
    );
    return { leases: rows.map(recordOf), drift: [] };
  }

  async overdue(atMs: number): Promise<readonly LeaseRecord[]> {
    const rows = await this.#ledger.query<ExecutionRow>(
      `SELECT * FROM countersign.execution
        WHERE ended_at_ms IS NULL AND expires_at_ms <= $1 ORDER BY expires_at_ms LIMIT 1000`,
      [atMs],
    );
    return rows.map(recordOf);
  }

  withReconcilerLock(work: () => Promise<void>): Promise<boolean> {
    const query: ExecutionLedger['query'] = (text, values) => this.#ledger.query(text, values);
    return inTurn('execution_reconciler', query, this.#nowMs(), work);
  }

  close(): Promise<void> {
    return this.#ledger.close();
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
