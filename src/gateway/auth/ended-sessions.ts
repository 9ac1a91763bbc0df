import type { Logger } from '../../contracts/logger';
import { Database } from '../../database/database';
import type { StoreTables } from '../../database/migrate';
import { BoundedMap } from '../../signing/seen';

export const ENDED_SESSIONS: StoreTables = {
  store: 'ended sessions',
  migrations: [
    {
      name: 'ended_session',
      sql: `
  CREATE TABLE countersign.ended_session (
    id          text PRIMARY KEY,
    until_ms    bigint NOT NULL
  );
`,
    },
  ],
};

/** How long another gateway may take to notice that a session was ended. */
const LOOK_EVERY_MS = 1_000;
/** Ended sessions that are remembered at once. Each is a name, and is forgotten when its session would have been over. */
const MOST = 50_000;

export interface EndedSessionsOptions {
  /** The database that gateways share. Without it, only this process knows what it ended. */
  readonly url?: string | undefined;
  readonly log: Logger;
  readonly nowMs: () => number;
}

/**
 * The sessions that were signed out before their time. Sessions themselves are signed and stored nowhere, so ending one means remembering
 * its name until it is over. If the database cannot be reached, what was read last counts, and what this process ended.
 */
export class EndedSessions {
  readonly #database: Database | undefined;
  readonly #own = new BoundedMap<true>(MOST);
  #read: ReadonlySet<string> = new Set();
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;
  #isReachable = true;

  constructor(private readonly options: EndedSessionsOptions) {
    const { url, log } = options;
    if (url !== undefined) this.#database = new Database({ url, maxConnections: 1, log }, [ENDED_SESSIONS]);
  }

  /** Ends a session. Returns false if only this process knows, because the database cannot be reached. */
  async end(id: string, untilMs: number): Promise<boolean> {
    this.#own.set(id, true);
    try {
      await this.#database?.query('DELETE FROM countersign.ended_session WHERE until_ms < $1', [
        this.options.nowMs(),
      ]);
      await this.#database?.query(
        'INSERT INTO countersign.ended_session (id, until_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING',
        [id, untilMs],
      );
      return true;
    } catch (error) {
      this.#tell(error);
      return false;
    }
  }

  /** Returns true if this session was ended. Never throws. */
  async has(id: string): Promise<boolean> {
    if (this.#own.get(id) === true) return true;
    if (this.#database !== undefined && this.options.nowMs() - this.#lookedAtMs >= LOOK_EVERY_MS) {
      this.#looking ??= this.#look(this.#database).finally(() => {
        this.#lookedAtMs = this.options.nowMs();
        this.#looking = undefined;
      });
      // While it is away nobody waits for it.
      if (this.#isReachable) await this.#looking;
    }
    return this.#read.has(id);
  }

  close(): Promise<void> {
    return this.#database?.close() ?? Promise.resolve();
  }

  async #look(database: Database): Promise<void> {
    try {
      const rows = await database.query<{ readonly id: string }>(
        'SELECT id FROM countersign.ended_session WHERE until_ms >= $1 ORDER BY until_ms DESC LIMIT $2',
        [this.options.nowMs(), MOST],
      );
      this.#read = new Set(rows.map(({ id }) => id));
      this.#isReachable = true;
    } catch (error) {
      this.#tell(error);
      this.#isReachable = false;
    }
  }

  #tell(error: unknown): void {
    const reason = error instanceof Error ? error.message : 'unknown';
    if (this.#isReachable)
      this.options.log.error(
        { reason },
        'which sessions were ended cannot be read; those that others ended since count here until they are over',
      );
  }
}
