import type { EndCause } from '../../domain/lease';
import type { EndReason } from '../contract';
import { addColumn } from '../postgresql/schema';

/**
 * What may still be executed, outside Temporal: a reset of a workflow must not make a used token fresh. One row is one
 * request for ever. Rows are never deleted; a row that has ended, or was barred, is final.
 */
export const LEDGER_SCHEMA = `
  CREATE SCHEMA IF NOT EXISTS countersign;
  CREATE TABLE IF NOT EXISTS countersign.execution (
    request_id     text PRIMARY KEY,
    request_digest text,
    account        text,
    audience       text,
    released_at_ms bigint,
    expires_at_ms  bigint,
    token_id       text,
    holder_key     text,
    token_until_ms bigint,
    redeemed_at_ms bigint,
    redeemed_by    text,
    ended_at_ms    bigint,
    end_reason     text CHECK (end_reason IN ('expired', 'revoked', 'barred')),
    end_cause      text,
    CHECK ((ended_at_ms IS NULL) = (end_reason IS NULL)),
    CHECK (redeemed_at_ms IS NULL OR token_id IS NOT NULL)
  );
  ${addColumn('execution', 'end_cause')}
  CREATE INDEX IF NOT EXISTS execution_alive ON countersign.execution (expires_at_ms) WHERE ended_at_ms IS NULL;
  CREATE TABLE IF NOT EXISTS countersign.execution_reconciler (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    until_ms  bigint NOT NULL
  );
`;

/** A row, as the driver hands it over: bigints are text. */
export interface ExecutionRow {
  readonly request_id: string;
  readonly request_digest: string | null;
  readonly account: string | null;
  readonly audience: string | null;
  readonly released_at_ms: string | null;
  readonly expires_at_ms: string | null;
  readonly token_id: string | null;
  readonly holder_key: string | null;
  readonly token_until_ms: string | null;
  readonly redeemed_at_ms: string | null;
  readonly redeemed_by: string | null;
  readonly ended_at_ms: string | null;
  readonly end_reason: EndReason | null;
  readonly end_cause: EndCause | null;
}
