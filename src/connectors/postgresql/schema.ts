/** Brings a column to a table of an earlier version. Asked first, for ALTER TABLE would lock the table each time. */
export const addColumn = (table: string, column: string): string => `
  DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_attribute
                    WHERE attrelid = 'countersign.${table}'::regclass AND attname = '${column}') THEN
      ALTER TABLE countersign.${table} ADD COLUMN ${column} text;
    END IF;
  END $$;`;

/**
 * The target's own record. Rows are never deleted: a lease that has ended, or was barred, is final, and its id is the
 * id of the request, so no request can be granted twice whatever becomes of its workflow. `session_due` is what an ending
 * has still to do once its access is gone: `pids` are the sessions that were there then, as soon as they were looked at.
 */
export const SCHEMA = `
  CREATE SCHEMA IF NOT EXISTS countersign;
  CREATE TABLE IF NOT EXISTS countersign.lease (
    lease_id       text PRIMARY KEY,
    request_digest text,
    account        text,
    role           text,
    emergency      boolean NOT NULL DEFAULT false,
    granted_at_ms  bigint,
    expires_at_ms  bigint,
    ended_at_ms    bigint,
    end_reason     text CHECK (end_reason IN ('expired', 'revoked', 'barred')),
    end_cause      text,
    CHECK ((ended_at_ms IS NULL) = (end_reason IS NULL)),
    CHECK (end_reason = 'barred' OR (account IS NOT NULL AND role IS NOT NULL AND expires_at_ms > granted_at_ms))
  );
  ${addColumn('lease', 'end_cause')}
  CREATE INDEX IF NOT EXISTS lease_alive ON countersign.lease (account, role) WHERE ended_at_ms IS NULL;
  CREATE TABLE IF NOT EXISTS countersign.session_due (
    account text NOT NULL,
    role    text NOT NULL,
    pids    integer[],
    PRIMARY KEY (account, role)
  );
  CREATE TABLE IF NOT EXISTS countersign.reconciler (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    until_ms  bigint NOT NULL
  );
  CREATE TABLE IF NOT EXISTS countersign.finding (
    kind        text NOT NULL,
    lease_id    text NOT NULL DEFAULT '',
    account     text NOT NULL,
    role        text NOT NULL,
    first_at_ms bigint NOT NULL,
    last_at_ms  bigint NOT NULL,
    late_ms     bigint,
    times       integer NOT NULL DEFAULT 1,
    PRIMARY KEY (kind, lease_id, account, role)
  );
`;
