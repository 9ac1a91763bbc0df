import type { QueryResultRow } from 'pg';

/**
 * How long a worker that died keeps others from looking. A look that takes longer than this is joined by another worker's,
 * which does no harm: ending what has ended already changes nothing.
 */
const TURN_MS = 10_000;

type Query = <Row extends QueryResultRow>(
  text: string,
  values: readonly unknown[],
) => Promise<readonly Row[]>;

/**
 * Runs `work` unless another worker has its turn, and yields whether it ran. A turn is a row with an end time rather than a
 * lock of the session: no connection is held, and a crash frees it by itself. One that ends further off than two turns was
 * taken by a clock that is wrong, and is none.
 */
export async function inTurn(
  table: 'reconciler' | 'execution_reconciler',
  query: Query,
  nowMs: number,
  work: () => Promise<void>,
): Promise<boolean> {
  const untilMs = nowMs + TURN_MS;
  const claimed = await query(
    `INSERT INTO countersign.${table} AS turn (until_ms) VALUES ($2)
     ON CONFLICT (singleton) DO UPDATE SET until_ms = $2 WHERE turn.until_ms NOT BETWEEN $1::bigint + 1 AND $3
     RETURNING 1`,
    [nowMs, untilMs, nowMs + 2 * TURN_MS],
  );
  if (claimed.length === 0) return false;
  try {
    await work();
  } finally {
    await query(`UPDATE countersign.${table} SET until_ms = 0 WHERE until_ms = $1`, [untilMs]);
  }
  return true;
}
