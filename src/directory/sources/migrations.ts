import type { StoreTables } from '../../database/migrate';

/**
 * What was taken from sources. A snapshot counts by the signature over its digest in `source_word`; the newest hundred of each source
 * are kept. Evidence holds its own copy of what a request was assessed by.
 */
export const SOURCES: StoreTables = {
  store: 'sources',
  migrations: [
    {
      name: 'source_snapshot, source_word, source_release',
      sql: `
  CREATE TABLE countersign.source_snapshot (
    seq      bigserial PRIMARY KEY,
    source   text NOT NULL,
    digest   text NOT NULL,
    content  text NOT NULL,
    taken_at timestamptz NOT NULL
  );
  CREATE INDEX source_snapshot_source ON countersign.source_snapshot (source, seq DESC);
  CREATE TABLE countersign.source_word (
    source  text PRIMARY KEY,
    seq     bigint NOT NULL,
    jws     text NOT NULL,
    held    text NOT NULL,
    remarks text NOT NULL
  );
  CREATE TABLE countersign.source_release (
    change   text NOT NULL,
    source   text NOT NULL,
    jws      text NOT NULL UNIQUE,
    added_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX source_release_change ON countersign.source_release (source, change);
`,
    },
    {
      name: 'source_failure',
      sql: `
  CREATE TABLE countersign.source_failure (
    source  text PRIMARY KEY,
    problem text NOT NULL,
    at      timestamptz NOT NULL
  );
`,
    },
  ],
};
