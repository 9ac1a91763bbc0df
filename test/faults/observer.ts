import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { IN_TARGET, type LeaseRow, nameOf, type SeenAccess, type Watched } from './watched';

/** A change of a lease, recorded by a trigger in the target, so independently of the product. */
export interface LeaseChange {
  readonly atMs: number;
  readonly before: LeaseRow | null;
  readonly after: LeaseRow | null;
}

/** Access that was seen without a live lease. */
export interface Unleased extends SeenAccess {
  readonly atMs: number;
}

const LOOK_EVERY_MS = 250;

const triggerOf = ({ prefix, lease }: Watched): string => `
  CREATE SCHEMA watch;
  CREATE TABLE watch.change (
    number bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    before jsonb,
    after jsonb,
    raw jsonb
  );
  CREATE FUNCTION watch.lease(one jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT ${lease} $$;
  CREATE FUNCTION watch.record() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO watch.change (before, after, raw)
    VALUES (CASE WHEN TG_OP <> 'INSERT' THEN watch.lease(to_jsonb(OLD)) END,
            CASE WHEN TG_OP <> 'DELETE' THEN watch.lease(to_jsonb(NEW)) END,
            CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END);
    RETURN NULL;
  END $$;
  CREATE TABLE watch.look (at timestamptz NOT NULL DEFAULT clock_timestamp());
  CREATE FUNCTION watch.looked() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NEW.until_ms > 0 THEN INSERT INTO watch.look DEFAULT VALUES; END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER looked AFTER INSERT OR UPDATE ON countersign.${prefix}reconciler
    FOR EACH ROW EXECUTE FUNCTION watch.looked();
  CREATE TRIGGER watched AFTER INSERT OR UPDATE OR DELETE ON countersign.${prefix}lease
    FOR EACH ROW EXECUTE FUNCTION watch.record();
`;

/** Watches the target from within, past the proxy and past the product. */
export class Observer {
  readonly unleased: Unleased[] = [];
  /** Access that the target showed while a lease was alive: proof that the observer is not blind. */
  readonly leased = new Set<string>();
  looks = 0;
  readonly #stopping = new AbortController();
  #watching: Promise<void> | undefined;

  private constructor(
    private readonly url: string,
    private readonly watched: Watched,
  ) {}

  static async start(url: string, watched: Watched = IN_TARGET): Promise<Observer> {
    const observer = new Observer(url, watched);
    await observer.#once((client) => client.query(triggerOf(watched)));
    observer.#watching = observer.#watch();
    return observer;
  }

  async changes(): Promise<readonly LeaseChange[]> {
    const { rows } = await this.#once((client) =>
      client.query<LeaseChange & { at_ms: string }>(
        'SELECT extract(epoch FROM at) * 1000 AS at_ms, before, after FROM watch.change ORDER BY number',
      ),
    );
    return rows.map(({ at_ms, before, after }) => ({ atMs: Number(at_ms), before, after }));
  }

  /** When a reconciler of any worker began a pass, seen from the lock that it takes on the target. */
  async looksAtMs(): Promise<readonly number[]> {
    const { rows } = await this.#once((client) =>
      client.query<{ at_ms: string }>(
        'SELECT extract(epoch FROM at) * 1000 AS at_ms FROM watch.look ORDER BY at',
      ),
    );
    return rows.map((row) => Number(row.at_ms));
  }

  /** Leases that the reconciler found past their end. */
  async overdueFindings(): Promise<ReadonlySet<string>> {
    const { rows } = await this.#once((client) =>
      client.query<{ lease_id: string }>(
        `SELECT lease_id FROM countersign.${this.watched.prefix}finding WHERE kind = 'overdue'`,
      ),
    );
    return new Set(rows.map((row) => row.lease_id));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    let client: Client | undefined;
    while (!this.#stopping.signal.aborted) {
      try {
        client ??= await this.#connect();
        const seen = await this.watched.look(client);
        this.looks += 1;
        const atMs = Date.now();
        for (const row of seen)
          if (row.isLeased) this.leased.add(nameOf(row));
          else this.unleased.push({ ...row, atMs });
      } catch {
        await client?.end().catch(() => undefined);
        client = undefined;
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
    await client?.end();
  }

  async #once<T>(use: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    try {
      return await use(client);
    } finally {
      await client.end();
    }
  }

  async #connect(): Promise<Client> {
    const client = new Client({ connectionString: this.url, application_name: 'observer' });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }
}
