import type { EndCause, EndReason } from '../domain/lease';

/** A row as the driver returns it: bigints are text. */
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
