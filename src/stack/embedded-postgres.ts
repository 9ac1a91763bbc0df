import { createServer } from 'node:net';
import type { PGlite } from '@electric-sql/pglite';
import { EmbeddedSession, Mutex, type SharedDatabase } from './embedded-session';

const MOST_CONNECTIONS = 32;

export interface EmbeddedPostgres {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Serves an embedded database to several clients on loopback, each as the user that it logs in as.
 *
 * We do not use the package's own socket server: it runs every client as the superuser, whatever user the client names, and it
 * passes messages on one by one, so that one client's statement can meet another client's parameters.
 *
 * Unlike a real server this one asks for no password, does one thing at a time, and shares settings and named prepared
 * statements between all clients.
 */
export async function serveEmbeddedPostgres(db: PGlite, port: number): Promise<EmbeddedPostgres> {
  const shared: SharedDatabase = { db, mutex: new Mutex(), user: 'postgres' };
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
