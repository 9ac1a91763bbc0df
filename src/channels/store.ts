import { randomUUID } from 'node:crypto';
import { Database, type DatabaseOptions } from '../database/database';
import type { PrincipalId } from '../domain/principal';
import { NOTICES } from './migrations';
import type { Notice } from './notice';

/** The rules for making messages out of notices. */
export interface Gathering {
  readonly nowMs: number;
  readonly digestWithinMs: number;
  readonly perPersonAndHour: number;
  readonly perHour: number;
  /** The channels by which someone wants to get messages. */
  readonly channelsOf: (person: PrincipalId) => readonly string[];
}

/** A message that has to go out by one channel now. For a while, only the claimer has it. */
export interface Claim {
  readonly messageId: string;
  readonly person: PrincipalId;
  readonly createdAtMs: number;
  readonly tries: number;
  /** The notices in the message: their keys and requests. */
  readonly notices: readonly { readonly key: string; readonly request: string }[];
}

/** How a delivery ended: accepted by the channel, no longer true, or given up. */
export type DeliveryEnd = 'sent' | 'void' | 'failed';

const HOUR_MS = 3_600_000;
const KEEP_MS = 90 * 86_400_000;
/** Selects messages that count: a message that was never sent, because nothing in it was still true, took nobody's time. */
const NOT_VOID =
  "EXISTS (SELECT 1 FROM countersign.notice_delivery d WHERE d.message_id = m.id AND d.state <> 'void')";

/** Records in the ledger's database what people were told: each notice once, each message once by each channel. */
export class NoticeStore {
  readonly #database: Database;

  constructor(options: DatabaseOptions) {
    this.#database = new Database({ maxConnections: 2, ...options }, [NOTICES]);
  }

  /** Returns true for one worker at a time, which then leads for `forMs`. The others have nothing to do meanwhile. */
  async lead(nowMs: number, forMs: number): Promise<boolean> {
    const rows = await this.#database.query(
      `INSERT INTO countersign.notice_turn AS leader (until_ms) VALUES ($2)
       ON CONFLICT (single) DO UPDATE SET until_ms = $2 WHERE leader.until_ms <= $1 RETURNING until_ms`,
      [nowMs, nowMs + forMs],
    );
    return rows.length > 0;
  }

  /** Records new notices. Known ones stay as they are. */
  async note(notices: readonly Notice[], nowMs: number): Promise<void> {
    if (notices.length === 0) return;
    await this.#database.query(
      `INSERT INTO countersign.notice (key, person, request_id, noticed_at_ms)
       SELECT key, person, request_id, $4::bigint FROM unnest($1::text[], $2::text[], $3::text[]) AS new (key, person, request_id)
       ON CONFLICT (key) DO NOTHING`,
      [
        notices.map((one) => one.key),
        notices.map((one) => one.person),
        notices.map((one) => one.request),
        nowMs,
      ],
    );
  }

  /**
   * Makes one message for each person out of all their open notices, if the first has waited long enough and the hourly limits
   * leave room. Returns how many messages it made.
   */
  async gather(gathering: Gathering): Promise<number> {
    const { nowMs, digestWithinMs, perPersonAndHour, perHour, channelsOf } = gathering;
    return this.#database.transaction(async (client) => {
      // Only one worker at a time may make messages.
      await client.query('LOCK TABLE countersign.notice_message IN SHARE ROW EXCLUSIVE MODE');
      const { rows } = await client.query<{ person: string; recent: number; total: number }>(
        `SELECT n.person,
                (SELECT count(*)::int FROM countersign.notice_message m
                  WHERE m.person = n.person AND m.created_at_ms > $2 AND ${NOT_VOID}) AS recent,
                (SELECT count(*)::int FROM countersign.notice_message m
                  WHERE m.created_at_ms > $2 AND ${NOT_VOID}) AS total
           FROM countersign.notice n WHERE n.message_id IS NULL
          GROUP BY n.person HAVING min(n.noticed_at_ms) <= $1 ORDER BY min(n.noticed_at_ms)`,
        [nowMs - digestWithinMs, nowMs - HOUR_MS],
      );
      let made = 0;
      for (const { person, recent, total } of rows) {
        const channels = channelsOf(person);
        if (recent >= perPersonAndHour || total + made >= perHour || channels.length === 0) continue;
        const id = `msg_${randomUUID()}`;
        await client.query(
          'INSERT INTO countersign.notice_message (id, person, created_at_ms) VALUES ($1, $2, $3)',
          [id, person, nowMs],
        );
        await client.query(
          'UPDATE countersign.notice SET message_id = $1 WHERE person = $2 AND message_id IS NULL',
          [id, person],
        );
        await client.query(
          `INSERT INTO countersign.notice_delivery (message_id, channel, next_at_ms)
           SELECT $1::text, channel, $3::bigint FROM unnest($2::text[]) AS channel`,
          [id, channels, nowMs],
        );
        made += 1;
      }
      return made;
    });
  }

  /** Claims the next message that is due by a channel, for `forMs`. If the worker dies with it, it is sent again. */
  async claim(channel: string, nowMs: number, forMs: number): Promise<Claim | undefined> {
    const [row] = await this.#database.query<ClaimRow>(
      `WITH due AS MATERIALIZED (
         SELECT message_id, channel FROM countersign.notice_delivery
          WHERE channel = $1 AND state = 'open' AND next_at_ms <= $2
          ORDER BY next_at_ms LIMIT 1 FOR UPDATE SKIP LOCKED)
       UPDATE countersign.notice_delivery d SET tries = d.tries + 1, next_at_ms = $2::bigint + $3::bigint
         FROM due, countersign.notice_message m
        WHERE d.message_id = due.message_id AND d.channel = due.channel AND m.id = d.message_id
       RETURNING m.id, m.person, m.created_at_ms, d.tries,
         (SELECT coalesce(json_agg(json_build_object('key', n.key, 'request', n.request_id) ORDER BY n.noticed_at_ms, n.key), '[]')
            FROM countersign.notice n WHERE n.message_id = m.id) AS notices`,
      [channel, nowMs, forMs],
    );
    if (row === undefined) return undefined;
    const { id, person, created_at_ms, tries, notices } = row;
    return { messageId: id, person, createdAtMs: Number(created_at_ms), tries, notices };
  }

  /** Records how the delivery by this channel ended. */
  async end({ messageId }: Claim, channel: string, end: DeliveryEnd, nowMs: number): Promise<void> {
    await this.#database.query(
      `UPDATE countersign.notice_delivery SET state = $3, done_at_ms = $4
        WHERE message_id = $1 AND channel = $2 AND state = 'open'`,
      [messageId, channel, end, nowMs],
    );
  }

  /** Records that the channel did not accept the message, and when to retry. */
  async putOff({ messageId }: Claim, channel: string, nextAtMs: number): Promise<void> {
    await this.#database.query(
      `UPDATE countersign.notice_delivery SET next_at_ms = $3
        WHERE message_id = $1 AND channel = $2 AND state = 'open'`,
      [messageId, channel, nextAtMs],
    );
  }

  /** Deletes notices that are no longer true. If they become true again, people are told again. */
  async retract(keys: readonly string[]): Promise<void> {
    if (keys.length > 0)
      await this.#database.query('DELETE FROM countersign.notice WHERE key = ANY ($1)', [keys]);
  }

  /** Deletes what is older than 90 days. */
  async tidy(nowMs: number): Promise<void> {
    const before = nowMs - KEEP_MS;
    await this.#database.query('DELETE FROM countersign.notice WHERE noticed_at_ms < $1', [before]);
    await this.#database.query(
      `DELETE FROM countersign.notice_delivery d USING countersign.notice_message m
        WHERE m.id = d.message_id AND m.created_at_ms < $1`,
      [before],
    );
    await this.#database.query(
      `DELETE FROM countersign.notice_message m WHERE created_at_ms < $1
          AND NOT EXISTS (SELECT 1 FROM countersign.notice n WHERE n.message_id = m.id)`,
      [before],
    );
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

interface ClaimRow {
  readonly id: string;
  readonly person: string;
  readonly created_at_ms: string;
  readonly tries: number;
  readonly notices: Claim['notices'];
}
