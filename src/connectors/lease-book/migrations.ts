import type { StoreTables } from '../../database/migrate';

/** The tables that a worker reads and writes, in the schema `countersign`. */
export const LEASE_BOOK_TABLES = ['book_lease', 'book_reconciler', 'book_finding'] as const;

/**
 * Leases of targets that cannot hold them, and what the reconciler found there. A row with `confirmed_at_ms` was seen on the target; one without it is an intent, whose end
 * is fixed all the same. Rows are never deleted: a lease that ended or was barred is final.
 */
export const LEASE_BOOK: StoreTables = {
  store: 'lease book',
  migrations: [
    {
      name: 'book_lease, book_reconciler',
      sql: `
  CREATE TABLE countersign.book_lease (
    connector       text NOT NULL,
    lease_id        text NOT NULL,
    request_digest  text,
    account         text,
    grant_name      text,
    catalog_grant   jsonb,
    emergency       boolean NOT NULL DEFAULT false,
    granted_at_ms   bigint,
    expires_at_ms   bigint,
    confirmed_at_ms bigint,
    ended_at_ms     bigint,
    end_reason      text CHECK (end_reason IN ('expired', 'revoked', 'barred')),
    end_cause       text,
    PRIMARY KEY (connector, lease_id),
    CHECK ((ended_at_ms IS NULL) = (end_reason IS NULL)),
    CHECK (end_reason = 'barred' OR (account IS NOT NULL AND catalog_grant IS NOT NULL AND expires_at_ms > granted_at_ms))
  );
  CREATE INDEX book_lease_alive ON countersign.book_lease (connector, account, grant_name) WHERE ended_at_ms IS NULL;
  CREATE TABLE countersign.book_reconciler (
    connector text PRIMARY KEY,
    until_ms  bigint NOT NULL
  );
`,
    },
    {
      name: 'book_finding',
      sql: `
  CREATE TABLE countersign.book_finding (
    connector   text NOT NULL,
    kind        text NOT NULL,
    lease_id    text NOT NULL DEFAULT '',
    account     text NOT NULL,
    grant_name  text NOT NULL,
    what        text NOT NULL DEFAULT '',
    first_at_ms bigint NOT NULL,
    last_at_ms  bigint NOT NULL,
    late_ms     bigint,
    times       integer NOT NULL DEFAULT 1,
    PRIMARY KEY (connector, kind, lease_id, account, grant_name, what)
  );
`,
    },
  ],
};
