import { createServer } from 'node:net';
import type { PGlite } from '@electric-sql/pglite';
import { EmbeddedSession, type SharedDatabase } from './embedded-session';
import { Turns } from './turns';

const MOST_CONNECTIONS = 32;

export interface EmbeddedPostgres {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Serves an embedded database to several clients on loopback, each as the user that it logs in as.
 *
 * The package's own socket server is not used: it runs every client as the superuser, whatever user they name, and hands
 * on messages one by one, so that only timing keeps one client's statement apart from another's parameters.
 *
 * What remains different from a real server: no passwords, one thing at a time, and settings and prepared statements
 * with a name are shared by all clients.
 */
export async function serveEmbeddedPostgres(db: PGlite, port: number): Promise<EmbeddedPostgres> {
  const shared: SharedDatabase = { db, turns: new Turns(), user: 'postgres' };
  const sessions = new Set<EmbeddedSession>();
  const server = createServer((socket) => {
    const session = new EmbeddedSession(shared, socket);
    sessions.add(session);
    socket.once('close', () => sessions.delete(session));
  });
  server.maxConnections = MOST_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await Promise.all([...sessions].map((session) => session.close()));
      await closed;
    },
  };
}
