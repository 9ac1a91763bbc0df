import type { Socket } from 'node:net';
import type { PGlite } from '@electric-sql/pglite';
import { messageOf } from './errors';
import { endsUnit, fatalError, isTerminate, MessageReader } from './pg-wire';
import type { Turns } from './turns';

/** A transaction that does nothing for this long is rolled back: all sessions share one database session. */
const IDLE_IN_TRANSACTION_MS = 15_000;

/** What the sessions share: one database, which does one thing at a time, as one user at a time. */
export interface SharedDatabase {
  readonly db: PGlite;
  readonly turns: Turns;
  /** As whom the last statement ran. */
  user: string;
}

/**
 * One client of the embedded database. Its messages run as its own user, never between another client's messages that
 * belong together, and never inside another client's transaction.
 */
export class EmbeddedSession {
  readonly #reader = new MessageReader();
  #user: string | undefined;
  #unit: Buffer[] = [];
  #work: Promise<void> = Promise.resolve();
  /** Ends the turn that this session holds, while it holds one. */
  #endTurn: (() => void) | undefined;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    private readonly shared: SharedDatabase,
    private readonly socket: Socket,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#enqueue(() => this.#receive(chunk)));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#enqueue(() => this.#leave()));
  }

  /** Breaks off the connection and settles when nothing of it runs any more. */
  async close(): Promise<void> {
    this.socket.destroy();
    await this.#enqueue(() => this.#leave());
  }

  #enqueue(step: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(step).catch((error: unknown) => {
      this.socket.end(fatalError('XX000', messageOf(error)));
      return this.#leave();
    });
    return this.#work;
  }

  async #receive(chunk: Buffer): Promise<void> {
    if (this.#closed) return;
    this.#reader.push(chunk);
    while (this.#user === undefined) if (!(await this.#open())) return;
    for (let message = this.#reader.message(); message !== undefined; message = this.#reader.message()) {
      if (isTerminate(message)) return void this.socket.end();
      this.#unit.push(message);
      if (endsUnit(message)) await this.#runUnit(this.#unit.splice(0));
    }
  }

  /** Takes one opening message; false where none is complete or the session is over. */
  async #open(): Promise<boolean> {
    const opening = this.#reader.opening();
    if (opening === undefined) return false;
    if (opening.kind === 'encryption') return this.socket.write('N');
    if (opening.kind === 'other' || !(await this.#mayLogIn(opening.user))) {
      this.socket.end(fatalError('28000', 'no such login'));
      return false;
    }
    this.#user = opening.user;
    await this.#runUnit([opening.message]);
    return true;
  }

  async #mayLogIn(user: string): Promise<boolean> {
    const end = await this.shared.turns.take();
    try {
      const known = await this.shared.db.query('SELECT 1 FROM pg_roles WHERE rolname = $1 AND rolcanlogin', [
        user,
      ]);
      return known.rows.length === 1;
    } finally {
      end();
    }
  }

  async #runUnit(unit: readonly Buffer[]): Promise<void> {
    const { db } = this.shared;
    clearTimeout(this.#idle);
    this.#endTurn ??= await this.#takeTurn();
    for (const message of unit)
      await db.runExclusive(() =>
        db.execProtocolRawStream(message, { onRawData: (data) => void this.#answer(data) }),
      );
    if (!db.isInTransaction()) return this.#giveUpTurn();
    this.#idle = setTimeout(() => void this.#enqueue(() => this.#breakOff()), IDLE_IN_TRANSACTION_MS);
  }

  async #takeTurn(): Promise<() => void> {
    const end = await this.shared.turns.take();
    if (this.shared.user === this.#user) return end;
    try {
      const user = quoted(this.#user ?? '');
      await this.shared.db.exec(`RESET ROLE; SET SESSION AUTHORIZATION ${user}`);
      this.shared.user = this.#user ?? '';
      return end;
    } catch (error) {
      end();
      throw error;
    }
  }

  #answer(data: Uint8Array): void {
    // The bytes are a view of the database's memory, which the next message overwrites.
    if (this.socket.writable) this.socket.write(Buffer.from(data));
  }

  #giveUpTurn(): void {
    this.#endTurn?.();
    this.#endTurn = undefined;
  }

  async #breakOff(): Promise<void> {
    this.socket.end(fatalError('25P03', 'terminating connection due to idle-in-transaction timeout'));
    await this.#leave();
  }

  async #leave(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    if (this.#endTurn === undefined) return;
    try {
      if (this.shared.db.isInTransaction()) await this.shared.db.exec('ROLLBACK');
    } finally {
      this.#giveUpTurn();
    }
  }
}

/** A name in quotes for SQL. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
