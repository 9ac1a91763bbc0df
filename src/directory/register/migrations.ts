import type { StoreTables } from '../../database/migrate';

/**
 * The register of enrolled keys. A row stands there word for word, and counts by the signatures in it; the other columns only keep
 * honest programs from writing what would not count. Rows are kept for ever: a retirement that goes missing would bring a key back.
 */
export const REGISTER: StoreTables = {
  store: 'register',
  migrations: [
    {
      name: 'register_row',
      sql: `
  CREATE TABLE countersign.register_row (
    seq         bigserial PRIMARY KEY,
    id          text NOT NULL UNIQUE,
    row         text NOT NULL,
    invitation  text UNIQUE,
    credential  text UNIQUE,
    added_at    timestamptz NOT NULL DEFAULT now()
  );
  CREATE FUNCTION countersign.register_row_stays() RETURNS trigger LANGUAGE plpgsql AS $stays$
    BEGIN RAISE EXCEPTION 'rows of the register are kept'; END $stays$;
  CREATE TRIGGER register_row_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON countersign.register_row
    FOR EACH STATEMENT EXECUTE FUNCTION countersign.register_row_stays();
`,
    },
  ],
};
