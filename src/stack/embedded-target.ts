import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';

/** The demo's target: a PostgreSQL in this process, with real roles, reached over the real protocol. */
export interface EmbeddedTarget {
  /** Loopback only. The embedded server asks for no password. */
  readonly url: string;
  stop(): Promise<void>;
}

export interface EmbeddedTargetOptions {
  readonly stateDir: string;
  readonly port: number;
  /** Accounts that can be given access. They start with none. */
  readonly accounts: readonly string[];
}

const CONNECTIONS = 8;

/** Roles that the example bundle grants, over tables that give them a meaning. */
const ROLES = `
  DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'reporting_read') THEN
      CREATE ROLE reporting_read NOLOGIN;
      CREATE ROLE production_write NOLOGIN;
      CREATE ROLE production_admin NOLOGIN;
    END IF;
  END $$;
  CREATE SCHEMA IF NOT EXISTS reporting;
  CREATE SCHEMA IF NOT EXISTS payments;
  CREATE TABLE IF NOT EXISTS reporting.daily_revenue (day date PRIMARY KEY, cents bigint NOT NULL);
  CREATE TABLE IF NOT EXISTS payments.payment (id bigint PRIMARY KEY, cents bigint NOT NULL);
  GRANT USAGE ON SCHEMA reporting TO reporting_read;
  GRANT SELECT ON ALL TABLES IN SCHEMA reporting TO reporting_read;
  GRANT USAGE ON SCHEMA payments TO production_write, production_admin;
  GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA payments TO production_write;
  GRANT ALL ON ALL TABLES IN SCHEMA payments TO production_admin;
`;

/** Starts the embedded target, with what an earlier one in the same folder left. */
export async function startEmbeddedTarget(options: EmbeddedTargetOptions): Promise<EmbeddedTarget> {
  const dataDir = path.join(options.stateDir, 'target');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const db = await PGlite.create(dataDir);
  await db.exec(ROLES);
  for (const account of options.accounts) await ensureAccount(db, account);
  const server = new PGLiteSocketServer({
    db,
    host: '127.0.0.1',
    port: options.port,
    maxConnections: CONNECTIONS,
  });
  await server.start();
  return {
    url: `postgres://postgres@127.0.0.1:${options.port}/postgres`,
    stop: async () => {
      await server.stop();
      await db.close();
    },
  };
}

async function ensureAccount(db: PGlite, account: string): Promise<void> {
  const { rows } = await db.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [account]);
  // Account names come from a directory whose schema allows no quotes; quoting them doubles the care.
  if (rows.length === 0) await db.exec(`CREATE ROLE "${account.replaceAll('"', '""')}" LOGIN`);
}
