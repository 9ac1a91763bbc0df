import type { StoreTables } from '../../database/migrate';

/** Who writes to a transparency log, and how far it is. One row for each log, by its public key. */
export const LOG_HEADS: StoreTables = {
  store: 'log heads',
  migrations: [
    {
      name: 'log_head',
      sql: `
  CREATE TABLE countersign.log_head (
    log         text PRIMARY KEY,
    token       bigint NOT NULL,
    held_until  timestamptz NOT NULL,
    checkpoint  text,
    next_record bytea
  );
`,
    },
  ],
};
