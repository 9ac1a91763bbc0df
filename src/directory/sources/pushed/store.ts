import type { PoolClient } from 'pg';
import { Database, type DatabaseOptions } from '../../../database/database';
import type { StoreTables } from '../../../database/migrate';
import { lock } from '../../../database/row-lock';

/**
 * What identity providers pushed. A row counts by the gateway's signature over its content in `jws`. `name` and `external_id` are there
 * to look rows up, and decide nothing.
 */
export const PUSHED: StoreTables = {
  store: 'pushed resources',
  migrations: [
    {
      name: 'pushed_resource, pushed_source',
      sql: `
  CREATE TABLE countersign.pushed_resource (
    source        text NOT NULL,
    id            text NOT NULL,
    seq           bigserial NOT NULL,
    kind          text NOT NULL,
    name          text NOT NULL,
    external_id   text,
    version       bigint NOT NULL,
    content       text NOT NULL,
    jws           text NOT NULL,
    created_at_ms bigint NOT NULL,
    changed_at_ms bigint NOT NULL,
    PRIMARY KEY (source, id),
    UNIQUE (source, kind, name)
  );
  CREATE INDEX pushed_resource_order ON countersign.pushed_resource (source, kind, seq);
  CREATE INDEX pushed_resource_external ON countersign.pushed_resource (source, kind, external_id);
  CREATE TABLE countersign.pushed_source (
    source      text PRIMARY KEY,
    changes     bigint NOT NULL,
    bytes       bigint NOT NULL,
    heard_at_ms bigint NOT NULL
  );
`,
    },
  ],
};

export type PushedKind = 'User' | 'Group';

/** A person or a group as an identity provider pushed it, with the gateway's word for it. Not verified. */
export interface PushedRow {
  readonly id: string;
  readonly kind: PushedKind;
  readonly name: string;
  readonly externalId: string | undefined;
  readonly version: number;
  readonly content: string;
  readonly jws: string;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
}

/** Which rows to look up. All of them without a condition. */
export interface Wanted {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly externalId?: string | undefined;
}

interface Row {
  readonly id: string;
  readonly seq: string;
  readonly kind: string;
  readonly name: string;
  readonly external_id: string | null;
  readonly version: string;
  readonly content: string;
  readonly jws: string;
  readonly created_at_ms: string;
  readonly changed_at_ms: string;
}

const COLUMNS =
  'id, seq, kind, name, external_id, version, content, jws, created_at_ms, changed_at_ms' as const;

/** Keeps what identity providers push, in the database of the register, so that several gateways share it. */
export class PushedStore {
  readonly #database: Database;

  constructor(options: DatabaseOptions) {
    this.#database = new Database({ maxConnections: 2, ...options }, [PUSHED]);
  }

  /** Returns rows in the order in which they were made, from `offset` on. */
  async list(
    source: string,
    kind: PushedKind,
    { id, name, externalId }: Wanted,
    { offset, most }: { readonly offset: number; readonly most: number },
  ): Promise<readonly PushedRow[]> {
    const rows = await this.#database.query<Row>(
      `SELECT ${COLUMNS} FROM countersign.pushed_resource
        WHERE source = $1 AND kind = $2 AND ($3::text IS NULL OR id = $3) AND ($4::text IS NULL OR name = $4)
          AND ($5::text IS NULL OR external_id = $5)
        ORDER BY seq OFFSET $6 LIMIT $7`,
      [source, kind, id ?? null, name ?? null, externalId ?? null, offset, most],
    );
    return rows.map(rowOf);
  }

  async count(source: string, kind: PushedKind): Promise<number> {
    const [row] = await this.#database.query<{ readonly count: string }>(
      'SELECT count(*) FROM countersign.pushed_resource WHERE source = $1 AND kind = $2',
      [source, kind],
    );
    return Number(row?.count);
  }

  /** Runs `work` while no other gateway changes the source. What it throws is not passed on, so it returns its refusals. */
  change<T>(source: string, work: (change: PushedChange) => Promise<T>): Promise<T> {
    return this.#database.transaction(async (client) => {
      await lock(client, `pushed ${source}`);
      return work(new PushedChange(client, source));
    });
  }

  /** Returns everything that a source pushed. @throws Error of one line if that is more than `mostBytes` */
  async all(source: string, mostBytes: number): Promise<readonly PushedRow[]> {
    const [size] = await this.#database.query<{ readonly bytes: string | null }>(
      'SELECT sum(octet_length(content)) AS bytes FROM countersign.pushed_resource WHERE source = $1',
      [source],
    );
    if (Number(size?.bytes) > mostBytes) throw new Error(`it has more than ${mostBytes} bytes`);
    const rows = await this.#database.query<Row>(
      `SELECT ${COLUMNS} FROM countersign.pushed_resource WHERE source = $1 ORDER BY seq`,
      [source],
    );
    return rows.map(rowOf);
  }

  /** Notes that the identity provider called. */
  async hear(source: string, atMs: number): Promise<void> {
    await this.#database.query(
      `INSERT INTO countersign.pushed_source (source, changes, bytes, heard_at_ms) VALUES ($1, 0, 0, $2)
       ON CONFLICT (source) DO UPDATE SET heard_at_ms = $2`,
      [source, atMs],
    );
  }

  /** Returns how often each source has changed, and when its identity provider called last. */
  async heard(): Promise<ReadonlyMap<string, { readonly changes: string; readonly atMs: number }>> {
    const rows = await this.#database.query<{
      readonly source: string;
      readonly changes: string;
      readonly heard_at_ms: string;
    }>('SELECT source, changes, heard_at_ms FROM countersign.pushed_source');
    return new Map(
      rows.map(({ source, changes, heard_at_ms }) => [source, { changes, atMs: Number(heard_at_ms) }]),
    );
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

/** A change of one source, within a transaction that has its lock. */
export class PushedChange {
  constructor(
    private readonly client: PoolClient,
    private readonly source: string,
  ) {}

  async find(kind: PushedKind, id: string): Promise<PushedRow | undefined> {
    const { rows } = await this.client.query<Row>(
      `SELECT ${COLUMNS} FROM countersign.pushed_resource WHERE source = $1 AND kind = $2 AND id = $3`,
      [this.source, kind, id],
    );
    return rows[0] && rowOf(rows[0]);
  }

  async count(kind: PushedKind): Promise<number> {
    const { rows } = await this.client.query<{ count: string }>(
      'SELECT count(*) FROM countersign.pushed_resource WHERE source = $1 AND kind = $2',
      [this.source, kind],
    );
    return Number(rows[0]?.count);
  }

  /** Returns the id of the resource that has this name. */
  async holderOf(kind: PushedKind, name: string): Promise<string | undefined> {
    const { rows } = await this.client.query<{ id: string }>(
      'SELECT id FROM countersign.pushed_resource WHERE source = $1 AND kind = $2 AND name = $3',
      [this.source, kind, name],
    );
    return rows[0]?.id;
  }

  /** Returns how many bytes the source has pushed. */
  async bytes(): Promise<number> {
    const { rows } = await this.client.query<{ bytes: string }>(
      'SELECT bytes FROM countersign.pushed_source WHERE source = $1',
      [this.source],
    );
    return Number(rows[0]?.bytes ?? 0);
  }

  /** Writes a row, in the place of `before` if there is one. */
  async put(row: PushedRow, before?: PushedRow): Promise<void> {
    const { id, kind, name, externalId, version, content, jws, createdAtMs, changedAtMs } = row;
    await this.client.query(
      `INSERT INTO countersign.pushed_resource
         (source, id, kind, name, external_id, version, content, jws, created_at_ms, changed_at_ms)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       ON CONFLICT (source, id) DO UPDATE SET name = $4, external_id = $5, version = $6, content = $7, jws = $8,
         changed_at_ms = $10`,
      [this.source, id, kind, name, externalId ?? null, version, content, jws, createdAtMs, changedAtMs],
    );
    await this.#changed(sizeOf(content) - sizeOf(before?.content), changedAtMs);
  }

  async remove({ id, content }: PushedRow, atMs: number): Promise<void> {
    await this.client.query('DELETE FROM countersign.pushed_resource WHERE source = $1 AND id = $2', [
      this.source,
      id,
    ]);
    await this.#changed(-sizeOf(content), atMs);
  }

  async #changed(bytes: number, atMs: number): Promise<void> {
    await this.client.query(
      `INSERT INTO countersign.pushed_source (source, changes, bytes, heard_at_ms) VALUES ($1, 1, $2, $3)
       ON CONFLICT (source) DO UPDATE SET changes = pushed_source.changes + 1,
         bytes = pushed_source.bytes + $2, heard_at_ms = $3`,
      [this.source, bytes, atMs],
    );
  }
}

export const sizeOf = (content = ''): number => Buffer.byteLength(content);

const rowOf = (row: Row): PushedRow => ({
  id: row.id,
  kind: row.kind === 'Group' ? 'Group' : 'User',
  name: row.name,
  externalId: row.external_id ?? undefined,
  version: Number(row.version),
  content: row.content,
  jws: row.jws,
  createdAtMs: Number(row.created_at_ms),
  changedAtMs: Number(row.changed_at_ms),
});
