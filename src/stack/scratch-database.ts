import { PGlite } from '@electric-sql/pglite';
import { serveEmbeddedPostgres } from './embedded-postgres';
import { targetUrl } from './target-ready';

/** Starts a PostgreSQL database in memory, on loopback. It is gone when it stops. */
export async function startScratchDatabase(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const db = await PGlite.create();
  const server = await serveEmbeddedPostgres(db, 0);
  return {
    url: targetUrl(server.port),
    stop: async () => {
      await server.stop();
      await db.close();
    },
  };
}
