import type { StoreTables } from '../../database/migrate';

/**
 * The target's own record of leases. Rows are never deleted: a lease that ended or was barred is final. Its id is the id of
 * the request, so no request is granted twice whatever becomes of its workflow. `session_due` holds what an ending has
 * still to do after its access is gone: `pids` are the sessions that existed then, once somebody has looked at them.
 * `possession` holds what account and role had at a grant, until somebody has looked for what is new after its end.
 *
 * The first one takes over the tables of versions before numbered migrations, so it makes only what is missing.
 */
export const LEASES: StoreTables = {
  store: 'leases',
  migrations: [
    {
      name: 'lease, session_due, reconciler',
      sql: `
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
  DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_attribute
                    WHERE attrelid = 'countersign.lease'::regclass AND attname = 'end_cause') THEN
      ALTER TABLE countersign.lease ADD COLUMN end_cause text;
    END IF;
  END $$;
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
`,
    },
    {
      name: 'possession',
      sql: `
  CREATE TABLE countersign.possession (
    lease_id text PRIMARY KEY,
    account  text NOT NULL,
    role     text NOT NULL,
    keys     text[],
    gids     text[] NOT NULL
  );
`,
    },
    {
      // Names change during a lease; these do not. A lease from before this has none, and is found by its names.
      name: 'lease oids',
      sql: `
  ALTER TABLE countersign.lease ADD COLUMN account_oid oid, ADD COLUMN role_oid oid;
  CREATE INDEX lease_alive_oids ON countersign.lease (account_oid, role_oid) WHERE ended_at_ms IS NULL;
`,
    },
  ],
};

/** What the reconciler found, one row for each thing. The first migration takes over earlier tables. */
export const FINDINGS: StoreTables = {
  store: 'findings',
  migrations: [
    {
      name: 'finding',
      sql: `
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
`,
    },
    {
      name: 'left_behind',
      sql: `
  CREATE TABLE countersign.left_behind (
    lease_id    text NOT NULL,
    what        text NOT NULL,
    account     text NOT NULL,
    role        text NOT NULL,
    first_at_ms bigint NOT NULL,
    last_at_ms  bigint NOT NULL,
    times       integer NOT NULL DEFAULT 1,
    PRIMARY KEY (lease_id, what)
  );
`,
    },
    {
      name: 'finding what',
      sql: "ALTER TABLE countersign.finding ADD COLUMN what text NOT NULL DEFAULT '';",
    },
  ],
};
