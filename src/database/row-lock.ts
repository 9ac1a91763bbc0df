import type { PoolClient } from 'pg';

/**
 * Holds everybody else who locks the same subject back until the transaction ends. The lock is a row of a table that only its
 * owner can touch. An advisory lock would not do: anyone who can log in to the database can take it and never let go (EMG-2).
 */
export async function lock(client: PoolClient, subject: string): Promise<void> {
  // This locks an existing row without writing to it, and waits for one that another transaction is inserting.
  await client.query(
    `INSERT INTO countersign.lock (subject) VALUES ($1)
     ON CONFLICT (subject) DO UPDATE SET subject = excluded.subject WHERE false`,
    [subject],
  );
}
