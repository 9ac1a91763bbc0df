import type { StoreTables } from '../database/migrate';

/**
 * For which leases a certificate authority may sign, and for which its certificates are revoked. A row with `taken_at_ms` is never
 * given back. Rows are kept.
 */
export const SSH_GRANTS: StoreTables = {
  store: 'ssh grants',
  migrations: [
    {
      name: 'ssh_grant',
      sql: `
  CREATE TABLE countersign.ssh_grant (
    connector     text NOT NULL,
    lease_id      text NOT NULL,
    account       text NOT NULL,
    grant_name    text NOT NULL,
    catalog_grant jsonb NOT NULL,
    given_at_ms   bigint NOT NULL,
    expires_at_ms bigint NOT NULL,
    taken_at_ms   bigint,
    PRIMARY KEY (connector, lease_id)
  );
  CREATE INDEX ssh_grant_given ON countersign.ssh_grant (connector, grant_name) WHERE taken_at_ms IS NULL;
  CREATE INDEX ssh_grant_end ON countersign.ssh_grant (connector, expires_at_ms);
`,
    },
  ],
};
