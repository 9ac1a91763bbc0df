import type { Socket } from 'node:net';
import type { PGlite } from '@electric-sql/pglite';
import { messageOf } from './errors';
import { endsUnit, fatalError, isTerminate, MessageReader } from './pg-wire';

/** A transaction that is idle for this long is rolled back, because all clients share one database session. */
const IDLE_IN_TRANSACTION_MS = 15_000;

/** A lock that is handed to waiters in the order in which they asked. */
export class Mutex {
  #last: Promise<void> = Promise.resolve();

  /** Waits for the lock. Returns the function that releases it. */
  async acquire(): Promise<() => void> {
    const before = this.#last;
    let release: () => void = () => undefined;
    this.#last = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    return release;
  }
}

/** What the sessions share: one database, which does one thing at a time, as one user at a time. */
export interface SharedDatabase {
  readonly db: PGlite;
  readonly mutex: Mutex;
  /** The user that the last statement ran as. */
  user: string;
}

/**
 * One client of the embedded database. Its messages run as its own user. They never run between messages of another client that
 * belong together, and never inside another client's transaction.
 */
export class EmbeddedSession {
  readonly #reader = new MessageReader();
  #user: string | undefined;
  #unit: Buffer[] = [];
  #work: Promise<void> = Promise.resolve();
  /** Releases the lock that this session holds; undefined if it holds none. */
  #release: (() => void) | undefined;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    private readonly shared: SharedDatabase,
    private readonly socket: Socket,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#enqueue(() => this.#receive(chunk)));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#enqueue(() => this.#end()));
  }

  /** Closes the connection. Resolves when nothing of it runs any more. */
  async close(): Promise<void> {
    this.socket.destroy();
    await this.#enqueue(() => this.#end());
  }

  #enqueue(step: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(step).catch((error: unknown) => {
      this.socket.end(fatalError('XX000', messageOf(error)));
      return this.#end();
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

  /** Handles one message of the login. Returns false if none is complete, or if the session is over. */
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
    const release = await this.shared.mutex.acquire();
    try {
      const known = await this.shared.db.query('SELECT 1 FROM pg_roles WHERE rolname = $1 AND rolcanlogin', [
        user,
      ]);
      return known.rows.length === 1;
    } finally {
      release();
    }
  }

  async #runUnit(unit: readonly Buffer[]): Promise<void> {
    const { db } = this.shared;
    clearTimeout(this.#idle);
    this.#release ??= await this.#acquire();
    for (const message of unit)
      await db.runExclusive(() =>
        db.execProtocolRawStream(message, { onRawData: (data) => void this.#answer(data) }),
      );
    if (!db.isInTransaction()) return this.#unlock();
    this.#idle = setTimeout(() => void this.#enqueue(() => this.#closeIdle()), IDLE_IN_TRANSACTION_MS);
  }

  async #acquire(): Promise<() => void> {
    const release = await this.shared.mutex.acquire();
    if (this.shared.user === this.#user) return release;
    try {
      const user = quoted(this.#user ?? '');
      await this.shared.db.exec(`RESET ROLE; SET SESSION AUTHORIZATION ${user}`);
      this.shared.user = this.#user ?? '';
      return release;
    } catch (error) {
      release();
      throw error;
    }
  }

  #answer(data: Uint8Array): void {
    // The bytes are a view of the database's memory, which the next message overwrites.
    if (this.socket.writable) this.socket.write(Buffer.from(data));
  }

  #unlock(): void {
    this.#release?.();
    this.#release = undefined;
  }

  async #closeIdle(): Promise<void> {
    this.socket.end(fatalError('25P03', 'terminating connection due to idle-in-transaction timeout'));
    await this.#end();
  }

  async #end(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    if (this.#release === undefined) return;
    try {
      if (this.shared.db.isInTransaction()) await this.shared.db.exec('ROLLBACK');
    } finally {
      this.#unlock();
    }
  }
}

/** Quotes a name for SQL. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
