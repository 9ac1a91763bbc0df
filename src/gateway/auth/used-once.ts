import { createHash } from 'node:crypto';
import type { Logger } from '../../contracts/logger';
import { Database } from '../../database/database';
import type { StoreTables } from '../../database/migrate';
import { SeenOnce, type Sighting } from '../../signing/seen';
import { HttpProblem } from '../http/problem';

export const USED_ONCE: StoreTables = {
  store: 'used once',
  migrations: [
    {
      name: 'used_once',
      sql: `
  CREATE TABLE countersign.used_once (
    name        text PRIMARY KEY,
    by          text NOT NULL,
    until_ms    bigint NOT NULL
  );
  CREATE INDEX used_once_until ON countersign.used_once (until_ms);
`,
    },
  ],
};

const SWEEP_EVERY_MS = 60_000;
/** Names that are written with one statement. */
const MOST_AT_ONCE = 500;

export interface UsedOnceOptions {
  /** The database that gateways share. Without it, each gateway knows only what was used at itself. */
  readonly url?: string | undefined;
  readonly log: Logger;
  readonly nowMs: () => number;
}

/** A name that may be used once, until its time, and again by the same party. */
export interface Use extends Sighting {
  readonly name: string;
  readonly untilMs: number;
}

interface Waiting {
  readonly row: Row;
  readonly settle: { readonly done: (isFirst: boolean) => void; readonly fail: (error: unknown) => void };
}

interface Row {
  readonly name: string;
  readonly by: string;
  readonly untilMs: number;
}

/**
 * What counts once at all gateways together (SHP-4): proofs, codes, attempts to sign in, denials. One that this process saw is refused
 * without asking the database. If the database cannot be reached nothing counts, because another gateway may have seen it.
 */
export class UsedOnce {
  readonly #database: Database | undefined;
  #waiting: Waiting[] = [];
  #isWriting = false;
  #sweptAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: UsedOnceOptions) {
    const { url, log } = options;
    if (url !== undefined) this.#database = new Database({ url, maxConnections: 2, log }, [USED_ONCE]);
  }

  /** What is used once of one kind. `local` has its limits, which are those of each process. */
  ofKind(kind: string, local: SeenOnce = new SeenOnce(100_000, this.options.nowMs)): UsedOnceOfKind {
    return new UsedOnceOfKind(local, (uses) => this.#write(uses.map((use) => rowOf(kind, use))));
  }

  close(): Promise<void> {
    return this.#database?.close() ?? Promise.resolve();
  }

  /** @throws HttpProblem 503 if the database cannot be reached */
  async #write(rows: readonly Row[]): Promise<boolean> {
    const database = this.#database;
    if (database === undefined) return true;
    try {
      const [row] = rows;
      const isFirst = rows.length === 1 && row ? await this.#one(row, database) : await all(rows, database);
      this.#sweep(database);
      return isFirst;
    } catch (error) {
      this.options.log.error({ reason: reasonOf(error) }, 'what was used once cannot be recorded');
      throw new HttpProblem(503, 'whether this was used before cannot be told now; try again', {
        headers: { 'Retry-After': '5' },
      });
    }
  }

  /** What comes while another is written is written together. */
  #one(row: Row, database: Database): Promise<boolean> {
    return new Promise((done, fail) => {
      this.#waiting.push({ row, settle: { done, fail } });
      if (!this.#isWriting) void this.#writeWaiting(database);
    });
  }

  async #writeWaiting(database: Database): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, MOST_AT_ONCE);
      this.#waiting = this.#waiting.slice(MOST_AT_ONCE);
      const rows = [...new Map(batch.map(({ row }) => [row.name, row])).values()];
      try {
        const written = await insert(rows, (text, values) => database.query<Written>(text, values));
        const first = new Set(written.map(({ name }) => name));
        for (const { row, settle } of batch) settle.done(first.has(row.name));
      } catch (error) {
        for (const { settle } of batch) settle.fail(error);
      }
    }
    this.#isWriting = false;
  }

  /** Nobody waits for it, and what stays is only in the way. */
  #sweep(database: Database): void {
    const nowMs = this.options.nowMs();
    if (nowMs - this.#sweptAtMs < SWEEP_EVERY_MS) return;
    this.#sweptAtMs = nowMs;
    database
      .query('DELETE FROM countersign.used_once WHERE until_ms < $1', [nowMs])
      .catch((error: unknown) =>
        this.options.log.warn({ reason: reasonOf(error) }, 'what is over could not be forgotten'),
      );
  }
}

/** What is used once of one kind. */
export class UsedOnceOfKind {
  constructor(
    private readonly local: SeenOnce,
    private readonly write: (uses: readonly Use[]) => Promise<boolean>,
  ) {}

  /**
   * Resolves to true the first time, and again for the same `by`. Resolves to false for others, and if this process has no room.
   *
   * @throws HttpProblem 503 if the database cannot be reached
   */
  first(name: string, untilMs: number, sighting: Sighting = {}): Promise<boolean> {
    return this.firstOfAll([{ name, untilMs, ...sighting }]);
  }

  /** As `first`, for all of them or none. */
  async firstOfAll(uses: readonly Use[]): Promise<boolean> {
    if (uses.some(({ name, by }) => this.local.wasSeen(name, by))) return false;
    const marked: Use[] = [];
    for (const use of uses) {
      if (!this.local.first(use.name, use.untilMs, use)) return this.#forget(marked);
      marked.push(use);
    }
    try {
      return await this.write(uses);
    } catch (error) {
      this.#forget(marked);
      throw error;
    }
  }

  /** Returns how many more names of one owner fit. */
  roomFor(owner: string): number {
    return this.local.roomFor(owner);
  }

  #forget(uses: readonly Use[]): false {
    for (const { name } of uses) this.local.forget(name);
    return false;
  }
}

const rowOf = (kind: string, { name, by, untilMs }: Use): Row => ({
  name: createHash('sha256').update(`${kind} ${name}`).digest('base64url'),
  // What has no party is nobody's, not even of whoever shows it again.
  by: by === undefined ? '' : createHash('sha256').update(by).digest('base64url'),
  untilMs: Math.ceil(untilMs),
});

interface Written {
  readonly name: string;
  readonly is_new: boolean;
}

/** Writes names. Returns those that are new, or are written by the same party again. */
function insert(
  rows: readonly Row[],
  query: (text: string, values: readonly unknown[]) => Promise<readonly Written[]>,
): Promise<readonly Written[]> {
  return query(
    `INSERT INTO countersign.used_once AS u (name, by, until_ms)
     SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
     ON CONFLICT (name) DO UPDATE SET until_ms = u.until_ms WHERE u.by = excluded.by AND u.by <> ''
     RETURNING name, xmax = 0 AS is_new`,
    [rows.map(({ name }) => name), rows.map(({ by }) => by), rows.map(({ untilMs }) => untilMs)],
  );
}

/** Writes all names or none. */
async function all(rows: readonly Row[], database: Database): Promise<boolean> {
  // In one order, so that two of these never wait for each other.
  const sorted = rows.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return database.transaction(async (client) => {
    const written = await insert(
      sorted,
      async (text, values) => (await client.query<Written>(text, [...values])).rows,
    );
    if (written.length === rows.length) return true;
    const fresh = written.filter(({ is_new: isNew }) => isNew).map(({ name }) => name);
    await client.query('DELETE FROM countersign.used_once WHERE name = ANY($1)', [fresh]);
    return false;
  });
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : 'unknown');
