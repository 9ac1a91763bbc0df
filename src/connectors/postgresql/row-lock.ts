import type { PoolClient } from 'pg';

/**
 * Serialises everything that concerns one subject, until the transaction ends. The lock is a row of a table that only its
 * owner can touch. An advisory lock is none: whoever can log in to the database can take it, and never let go (EMG-2).
 */
export async function lock(client: PoolClient, subject: string): Promise<void> {
  // A row that is there is locked, though nothing is written to it; one that is not yet is waited for.
  await client.query(
    `INSERT INTO countersign.lock (subject) VALUES ($1)
     ON CONFLICT (subject) DO UPDATE SET subject = excluded.subject WHERE false`,
    [subject],
  );
}
