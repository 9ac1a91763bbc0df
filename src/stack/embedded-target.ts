import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { serveEmbeddedPostgres } from './embedded-postgres';
import { quoted } from './embedded-session';
import { MIGRATION_LOGIN, targetUrl } from './target-ready';

/** The target of the demo: a PostgreSQL with real roles, reached over the real protocol. */
export interface EmbeddedTarget {
  /** The connector's address. It logs in as superuser. The server listens on loopback only and asks for no password. */
  readonly url: string;
  stop(): Promise<void>;
}

export interface EmbeddedTargetOptions {
  readonly stateDir: string;
  readonly port: number;
  /** Accounts that can be given access. They start without any. */
  readonly accounts: readonly string[];
  /** Roles of the bundle that are granted there. Those that the example bundle does not have are made, without rights. */
  readonly roles?: readonly string[];
}

/** The roles that the example bundle grants, and tables on which they have rights. */
const ROLES = `
  DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'reporting_read') THEN
      CREATE ROLE reporting_read NOLOGIN;
      CREATE ROLE production_write NOLOGIN;
      CREATE ROLE production_admin NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'payments_schema_owner') THEN
      CREATE ROLE payments_schema_owner NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '${MIGRATION_LOGIN}') THEN
      CREATE ROLE ${MIGRATION_LOGIN} LOGIN NOINHERIT IN ROLE payments_schema_owner;
    END IF;
  END $$;
  CREATE SCHEMA IF NOT EXISTS reporting;
  CREATE SCHEMA IF NOT EXISTS payments;
  CREATE TABLE IF NOT EXISTS reporting.daily_revenue (day date PRIMARY KEY, cents bigint NOT NULL);
  CREATE TABLE IF NOT EXISTS payments.payment (id bigint PRIMARY KEY, cents bigint NOT NULL);
  INSERT INTO reporting.daily_revenue VALUES ('2026-01-01', 125000) ON CONFLICT DO NOTHING;
  INSERT INTO payments.payment VALUES (1, 4200) ON CONFLICT DO NOTHING;
  GRANT USAGE ON SCHEMA reporting TO reporting_read;
  GRANT SELECT ON ALL TABLES IN SCHEMA reporting TO reporting_read;
  GRANT USAGE ON SCHEMA payments TO production_write, production_admin;
  GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA payments TO production_write;
  GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA payments TO production_admin;
  -- What earlier versions gave. A trigger would outlive the lease of the role.
  REVOKE TRIGGER ON ALL TABLES IN SCHEMA payments FROM production_admin;
  ALTER SCHEMA payments OWNER TO payments_schema_owner;
  ALTER TABLE payments.payment OWNER TO payments_schema_owner;
`;

/** Starts the embedded target. It continues with the data of an earlier one in the same folder. */
export async function startEmbeddedTarget(options: EmbeddedTargetOptions): Promise<EmbeddedTarget> {
  const dataDir = path.join(options.stateDir, 'target');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const db = await PGlite.create(dataDir);
  await db.exec(ROLES);
  for (const role of options.roles ?? []) await ensureRole(db, role, 'NOLOGIN');
  for (const account of options.accounts) await ensureRole(db, account, 'LOGIN');
  const server = await serveEmbeddedPostgres(db, options.port);
  return {
    url: targetUrl(server.port),
    stop: async () => {
      await server.stop();
      await db.close();
    },
  };
}

async function ensureRole(db: PGlite, name: string, how: 'LOGIN' | 'NOLOGIN'): Promise<void> {
  const { rows } = await db.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [name]);
  if (rows.length === 0) await db.exec(`CREATE ROLE ${quoted(name)} ${how}`);
}
