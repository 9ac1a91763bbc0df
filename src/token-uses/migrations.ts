import type { StoreTables } from '../database/migrate';

/**
 * What may still be executed, outside Temporal: resetting a workflow must not make a used token fresh. Each request has one
 * row for ever. Rows are never deleted, and a row that ended or was barred is final.
 *
 * The first one takes over the tables of versions before numbered migrations, so it makes only what is missing.
 */
export const TOKEN_USES: StoreTables = {
  store: 'token uses',
  migrations: [
    {
      name: 'execution, execution_reconciler',
      sql: `
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
  DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_attribute
                    WHERE attrelid = 'countersign.execution'::regclass AND attname = 'end_cause') THEN
      ALTER TABLE countersign.execution ADD COLUMN end_cause text;
    END IF;
  END $$;
  CREATE INDEX IF NOT EXISTS execution_alive ON countersign.execution (expires_at_ms) WHERE ended_at_ms IS NULL;
  CREATE TABLE IF NOT EXISTS countersign.execution_reconciler (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    until_ms  bigint NOT NULL
  );
`,
    },
  ],
};
