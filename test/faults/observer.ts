import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/** A change of a lease, recorded by a trigger in the target, so independently of the product. */
export interface LeaseChange {
  readonly atMs: number;
  readonly before: LeaseRow | null;
  readonly after: LeaseRow | null;
}

export interface LeaseRow {
  readonly lease_id: string;
  readonly account: string | null;
  readonly role: string | null;
  readonly expires_at_ms: number | null;
  readonly ended_at_ms: number | null;
  readonly end_reason: string | null;
}

/** Access that was seen without a live lease. */
export interface Unleased {
  readonly account: string;
  readonly role: string;
  readonly atMs: number;
}

const LOOK_EVERY_MS = 250;

const TRIGGER = `
  CREATE SCHEMA watch;
  CREATE TABLE watch.change (
    number bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    before jsonb,
    after jsonb
  );
  CREATE FUNCTION watch.record() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO watch.change (before, after)
    VALUES (CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
    RETURN NULL;
  END $$;
  CREATE TABLE watch.look (at timestamptz NOT NULL DEFAULT clock_timestamp());
  CREATE FUNCTION watch.looked() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NEW.until_ms > 0 THEN INSERT INTO watch.look DEFAULT VALUES; END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER looked AFTER INSERT OR UPDATE ON countersign.reconciler
    FOR EACH ROW EXECUTE FUNCTION watch.looked();
  CREATE TRIGGER watched AFTER INSERT OR UPDATE OR DELETE ON countersign.lease
    FOR EACH ROW EXECUTE FUNCTION watch.record();
`;

/** Reads in one snapshot who is a member of a watched role, and whether a live lease covers it. */
const UNLEASED = `
  SELECT a.rolname AS account, r.rolname AS role
    FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles a ON a.oid = m.member
   WHERE r.rolname IN ('reporting_read', 'production_write', 'production_admin')
     AND NOT EXISTS (SELECT 1 FROM countersign.lease l
                      WHERE l.account = a.rolname AND l.role = r.rolname AND l.ended_at_ms IS NULL)`;

/** Watches the target from within, past the proxy and past the product. */
export class Observer {
  readonly unleased: Unleased[] = [];
  looks = 0;
  readonly #stopping = new AbortController();
  #watching: Promise<void> | undefined;

  private constructor(private readonly url: string) {}

  static async start(url: string): Promise<Observer> {
    const observer = new Observer(url);
    await observer.#once((client) => client.query(TRIGGER));
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
      client.query<{ lease_id: string }>("SELECT lease_id FROM countersign.finding WHERE kind = 'overdue'"),
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
        const { rows } = await client.query<{ account: string; role: string }>(UNLEASED);
        this.looks += 1;
        const atMs = Date.now();
        for (const row of rows) this.unleased.push({ ...row, atMs });
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
