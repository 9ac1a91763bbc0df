import type { QueryResultRow } from 'pg';

/**
 * How long a worker that died keeps the others from leading. If a look takes longer than this, another worker starts one
 * beside it. That does no harm: ending an ended lease changes nothing.
 */
const LEADS_FOR_MS = 10_000;

interface Queries {
  query<Row extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<readonly Row[]>;
}

/**
 * Runs `work` unless another worker leads, and returns whether it ran. Leadership is a row with an end time and not a lock of
 * the session, so it holds no connection, and ends by itself after a crash. An end time further off than twice the usual
 * comes from a wrong clock and is ignored.
 *
 * @param of the table of one row that says until when somebody leads, or the connector whose row of the lease book does
 */
export async function withLeadership(
  of: 'reconciler' | 'execution_reconciler' | { readonly connector: string },
  database: Queries,
  nowMs: number,
  work: () => Promise<void>,
): Promise<boolean> {
  const untilMs = nowMs + LEADS_FOR_MS;
  const [table, key, name] =
    typeof of === 'string' ? [of, 'singleton', true] : ['book_reconciler', 'connector', of.connector];
  const claimed = await database.query(
    `INSERT INTO countersign.${table} AS leader (${key}, until_ms) VALUES ($4, $2)
     ON CONFLICT (${key}) DO UPDATE SET until_ms = $2 WHERE leader.until_ms NOT BETWEEN $1::bigint + 1 AND $3
     RETURNING 1`,
    [nowMs, untilMs, nowMs + 2 * LEADS_FOR_MS, name],
  );
  if (claimed.length === 0) return false;
  try {
    await work();
  } finally {
    await database.query(`UPDATE countersign.${table} SET until_ms = 0 WHERE until_ms = $1 AND ${key} = $2`, [
      untilMs,
      name,
    ]);
  }
  return true;
}
