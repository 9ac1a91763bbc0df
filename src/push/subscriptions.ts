import { z } from 'zod';
import { Database, type DatabaseOptions } from '../database/database';
import type { StoreTables } from '../database/migrate';
import type { PrincipalId } from '../domain/principal';

export const PUSH: StoreTables = {
  store: 'push',
  migrations: [
    {
      name: 'push_subscription',
      sql: `
  CREATE TABLE countersign.push_subscription (
    endpoint    text PRIMARY KEY,
    person      text NOT NULL,
    p256dh      text NOT NULL,
    auth        text NOT NULL,
    added_at_ms bigint NOT NULL
  );
  CREATE INDEX push_subscription_person ON countersign.push_subscription (person, added_at_ms);
`,
    },
  ],
};

/** Browsers of one person that are told. A further one takes the place of the oldest. */
const MOST_OF_ONE = 8;
const MOST = 20_000;

/** What a browser says of itself when it subscribes (Push API): where to send, and the keys to encrypt for it with. */
export const pushSubscriptionSchema = z.strictObject({
  endpoint: z.url({ protocol: /^https?$/ }).max(1_000),
  keys: z.strictObject({
    /** A point on P-256, uncompressed. */
    p256dh: z.string().regex(/^B[\w-]{86}=?$/, 'is not a public key'),
    auth: z.string().regex(/^[\w-]{22}(==)?$/, 'is not 16 bytes'),
  }),
});
export type PushSubscription = z.output<typeof pushSubscriptionSchema>;

interface Row {
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
}

/** The browsers in which people asked to be told that they are awaited. */
export class PushSubscriptions {
  readonly #database: Database;

  constructor(options: DatabaseOptions) {
    this.#database = new Database({ maxConnections: 1, ...options }, [PUSH]);
  }

  /** Subscribes a browser for a person, and for nobody else any longer. Returns false if there are too many in all. */
  async add(person: PrincipalId, { endpoint, keys }: PushSubscription, nowMs: number): Promise<boolean> {
    const [count] = await this.#database.query<{ readonly n: string }>(
      'SELECT count(*) AS n FROM countersign.push_subscription',
    );
    if (Number(count?.n) >= MOST) return false;
    await this.#database.query(
      `INSERT INTO countersign.push_subscription (endpoint, person, p256dh, auth, added_at_ms) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (endpoint) DO UPDATE SET person = $2, p256dh = $3, auth = $4, added_at_ms = $5`,
      [endpoint, person, keys.p256dh, keys.auth, nowMs],
    );
    await this.#database.query(
      `DELETE FROM countersign.push_subscription WHERE endpoint IN (
         SELECT endpoint FROM countersign.push_subscription WHERE person = $1
          ORDER BY added_at_ms DESC, endpoint OFFSET $2)`,
      [person, MOST_OF_ONE],
    );
    return true;
  }

  /** Ends the subscription of one browser of this person. */
  async remove(person: PrincipalId, endpoint: string): Promise<void> {
    await this.#database.query(
      'DELETE FROM countersign.push_subscription WHERE endpoint = $1 AND person = $2',
      [endpoint, person],
    );
  }

  async of(person: PrincipalId): Promise<readonly PushSubscription[]> {
    const rows = await this.#database.query<Row>(
      'SELECT endpoint, p256dh, auth FROM countersign.push_subscription WHERE person = $1 ORDER BY endpoint',
      [person],
    );
    return rows.map(({ endpoint, p256dh, auth }) => ({ endpoint, keys: { p256dh, auth } }));
  }

  /** Everyone who is subscribed in some browser. */
  async people(): Promise<readonly PrincipalId[]> {
    const rows = await this.#database.query<{ readonly person: string }>(
      'SELECT DISTINCT person FROM countersign.push_subscription ORDER BY person',
    );
    return rows.map(({ person }) => person);
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
