import { z } from 'zod';
import type { Logger } from '../../contracts/logger';
import { Database } from '../../database/database';
import { lock } from '../../database/row-lock';
import { TargetUnavailable } from '../../database/unavailable';
import type { Digest } from '../../domain/digest';
import type { HeldChange } from './accept';
import { SOURCES } from './migrations';
import { digestOfSnapshot, type Snapshot, snapshotSchema } from './snapshot';

/** What a source gave last, with the word of the reader for it. Not verified: that needs the keys of `directory.yaml`. */
export interface StoredSnapshot {
  readonly snapshot: Snapshot;
  readonly digest: Digest;
  readonly jws: string;
  readonly held: readonly HeldChange[];
  readonly remarks: readonly string[];
}

/** Hands out what sources gave last. The same array for as long as nothing changed. */
export interface SnapshotReader {
  current(): Promise<readonly StoredSnapshot[]>;
}

export interface NewSnapshot {
  readonly snapshot: Snapshot;
  readonly jws: string;
  readonly held: readonly HeldChange[];
  readonly remarks: readonly string[];
  readonly atMs: number;
}

/** How long the snapshots are believed to be unchanged. Somebody who left counts no longer than this after they were written. */
const LOOK_EVERY_MS = 1_000;
const TELL_EVERY_MS = 60_000;
const KEPT = 100;
const MOST_RELEASES = 1_000;

const heldSchema = z.array(
  z.strictObject({
    id: z.string(),
    kind: z.enum(['vanished', 'identity', 'group', 'role']),
    about: z.string(),
    people: z.array(z.string()),
    why: z.string(),
  }),
) satisfies z.ZodType<readonly HeldChange[]>;

interface Word {
  readonly source: string;
  readonly seq: string;
  readonly jws: string;
  readonly held: string;
  readonly remarks: string;
}

/** Snapshots in a PostgreSQL database. If it cannot be reached, what was read last stays, and the log says so. */
export class SnapshotStore implements SnapshotReader {
  readonly #database: Database;
  readonly #logger: Logger;
  readonly #nowMs: () => number;
  #read: readonly StoredSnapshot[] | undefined;
  #contents: ReadonlyMap<string, Pick<StoredSnapshot, 'snapshot' | 'digest'>> = new Map();
  #version = '';
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;
  #isReachable = true;

  constructor({
    url,
    logger,
    nowMs = Date.now,
  }: { readonly url: string; readonly logger: Logger; readonly nowMs?: () => number }) {
    this.#database = new Database({ url, maxConnections: 1, log: logger }, [SOURCES]);
    this.#logger = logger;
    this.#nowMs = nowMs;
  }

  /**
   * Returns what was taken last, read a second ago at most while the database can be reached.
   *
   * @throws TargetUnavailable if it was never reached: without snapshots, everybody in them would count as gone
   */
  async current(): Promise<readonly StoredSnapshot[]> {
    if (this.#nowMs() - this.#lookedAtMs >= LOOK_EVERY_MS) {
      this.#looking ??= this.#look().finally(() => {
        this.#lookedAtMs = this.#nowMs();
        this.#looking = undefined;
      });
      // While it is away nobody waits for it.
      if (this.#isReachable || this.#read === undefined) await this.#looking;
    }
    if (this.#read === undefined) throw new TargetUnavailable('the snapshots of the sources cannot be read');
    return this.#read;
  }

  /** The same as of now. */
  latest(): Promise<readonly StoredSnapshot[]> {
    this.#lookedAtMs = Number.NEGATIVE_INFINITY;
    return this.current();
  }

  /** Returns the word for what a source gave last. Undefined if it gave nothing yet. */
  async wordOf(source: string): Promise<string | undefined> {
    const [row] = await this.#database.query<{ readonly jws: string }>(
      'SELECT jws FROM countersign.source_word WHERE source = $1',
      [source],
    );
    return row?.jws;
  }

  /**
   * Writes what a source gave. Unless it gave the same before, it is a new version. `before` is the word that was there when it was
   * read; returns false if another reader came between.
   *
   * @throws TargetUnavailable if the database cannot be reached
   */
  save({ snapshot, jws, held, remarks, atMs }: NewSnapshot, before: string | undefined): Promise<boolean> {
    const digest = digestOfSnapshot(snapshot);
    const { source } = snapshot;
    return this.#database.transaction(async (client) => {
      await lock(client, `source ${source}`);
      const { rows } = await client.query<{ jws: string; seq: string; digest: string }>(
        `SELECT w.jws, w.seq, s.digest FROM countersign.source_word w JOIN countersign.source_snapshot s USING (seq)
          WHERE w.source = $1`,
        [source],
      );
      const [last] = rows;
      if (last?.jws !== before) return false;
      let seq = last?.seq;
      if (last?.digest !== digest) {
        const { rows: made } = await client.query<{ seq: string }>(
          `INSERT INTO countersign.source_snapshot (source, digest, content, taken_at)
           VALUES ($1, $2, $3, to_timestamp($4 / 1000.0)) RETURNING seq`,
          [source, digest, JSON.stringify(snapshot), atMs],
        );
        seq = made[0]?.seq;
        await client.query(
          `DELETE FROM countersign.source_snapshot WHERE source = $1 AND seq <=
            (SELECT seq FROM countersign.source_snapshot WHERE source = $1 ORDER BY seq DESC OFFSET $2 LIMIT 1)`,
          [source, KEPT],
        );
      }
      await client.query(
        `INSERT INTO countersign.source_word (source, seq, jws, held, remarks) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (source) DO UPDATE SET seq = $2, jws = $3, held = $4, remarks = $5`,
        [source, seq, jws, JSON.stringify(held), JSON.stringify(remarks)],
      );
      this.#lookedAtMs = Number.NEGATIVE_INFINITY;
      return true;
    });
  }

  /** Returns the versions of a source that are kept, newest first. */
  async history(
    source: string,
    most = 2,
  ): Promise<readonly { readonly takenAtMs: number; readonly snapshot: Snapshot }[]> {
    const rows = await this.#database.query<{ readonly content: string; readonly at: Date }>(
      'SELECT content, taken_at AS at FROM countersign.source_snapshot WHERE source = $1 ORDER BY seq DESC LIMIT $2',
      [source, most],
    );
    return rows.map(({ content, at }) => ({
      takenAtMs: at.getTime(),
      snapshot: snapshotSchema.parse(parsed(content)),
    }));
  }

  async addRelease(source: string, change: string, jws: string): Promise<void> {
    await this.#database.query(
      'INSERT INTO countersign.source_release (source, change, jws) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
      [source, change, jws],
    );
  }

  /** Returns the newest releases of a source, as they were signed. */
  async releases(source: string): Promise<readonly string[]> {
    const rows = await this.#database.query<{ readonly jws: string }>(
      'SELECT jws FROM countersign.source_release WHERE source = $1 ORDER BY added_at DESC LIMIT $2',
      [source, MOST_RELEASES],
    );
    return rows.map(({ jws }) => jws);
  }

  /** Notes why a source could not be read, for `doctor`. Undefined notes that it was read. */
  async noteFailure(source: string, problem: string | undefined, atMs: number): Promise<void> {
    if (problem === undefined)
      await this.#database.query('DELETE FROM countersign.source_failure WHERE source = $1', [source]);
    else
      await this.#database.query(
        `INSERT INTO countersign.source_failure (source, problem, at) VALUES ($1, $2, to_timestamp($3 / 1000.0))
         ON CONFLICT (source) DO UPDATE SET problem = $2, at = to_timestamp($3 / 1000.0)`,
        [source, problem.slice(0, 500), atMs],
      );
  }

  /** Returns why sources could not be read when that was tried last, by name. */
  async failures(): Promise<ReadonlyMap<string, { readonly problem: string; readonly atMs: number }>> {
    const rows = await this.#database.query<{ source: string; problem: string; at: Date }>(
      'SELECT source, problem, at FROM countersign.source_failure',
    );
    return new Map(rows.map(({ source, problem, at }) => [source, { problem, atMs: at.getTime() }]));
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  /** Reads the snapshots that are not known yet. Anyone who can write to the database can write anything, so a row that is no snapshot is left out. */
  async #withContents(words: readonly Word[]): Promise<readonly StoredSnapshot[]> {
    const unknown = words.map(({ seq }) => seq).filter((seq) => !this.#contents.has(seq));
    const rows = await this.#database.query<{ readonly seq: string; readonly content: string }>(
      'SELECT seq, content FROM countersign.source_snapshot WHERE seq = ANY ($1)',
      [unknown],
    );
    const contents = new Map([...this.#contents].filter(([seq]) => words.some((word) => word.seq === seq)));
    for (const { seq, content } of rows) {
      const { data: snapshot } = snapshotSchema.safeParse(parsed(content));
      if (snapshot !== undefined) contents.set(seq, { snapshot, digest: digestOfSnapshot(snapshot) });
    }
    this.#contents = contents;
    return words.flatMap(({ seq, jws, held, remarks }) => {
      const content = contents.get(seq);
      if (content === undefined) return [];
      return [
        {
          ...content,
          jws,
          held: heldSchema.safeParse(parsed(held)).data ?? [],
          remarks: z.array(z.string()).safeParse(parsed(remarks)).data ?? [],
        },
      ];
    });
  }

  async #look(): Promise<void> {
    try {
      const words = await this.#database.query<Word>(
        'SELECT source, seq, jws, held, remarks FROM countersign.source_word ORDER BY source',
      );
      const version = JSON.stringify(words.map(({ seq, jws }) => [seq, jws]));
      if (version !== this.#version || this.#read === undefined) {
        this.#read = await this.#withContents(words);
        this.#version = version;
      }
      this.#isReachable = true;
    } catch (error) {
      this.#isReachable = false;
      if (this.#nowMs() - this.#toldAtMs < TELL_EVERY_MS) return;
      this.#toldAtMs = this.#nowMs();
      const reason = error instanceof Error ? error.message : 'unknown';
      this.#logger.error(
        { reason },
        'ALERT snapshots of the sources cannot be read; what was read last stays',
      );
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
