import { MOST_ROWS, type RegisterRow } from '../../contracts/enrolment';
import type { Logger } from '../../contracts/logger';
import { Database, type DatabaseOptions } from '../../database/database';
import { lock } from '../../database/row-lock';
import { accepted, type Result, refused } from '../../domain/refusal';
import type { RetirementMemory } from './memory';
import { REGISTER } from './migrations';
import { type DecodedRow, decodeRow } from './row';

/** Hands out the rows of a register. The same array for as long as nothing changed. */
export interface RowSource {
  current(): Promise<readonly DecodedRow[]>;
}

export interface RegisterOptions extends Pick<DatabaseOptions, 'url'> {
  readonly logger: Logger;
  /** Keeps the retirements that were read past the life of the process. Without it, they stay for as long as it lives. */
  readonly memory?: RetirementMemory;
  readonly nowMs?: () => number;
}

/** How long the register is believed to be unchanged. A retired key counts no longer than this. */
const LOOK_EVERY_MS = 1_000;
/** How often an unreachable register is told of. */
const TELL_EVERY_MS = 60_000;
const TRIES = 5;

interface Read {
  readonly version: string;
  readonly rows: readonly DecodedRow[];
}

/**
 * The register in a PostgreSQL database. If it cannot be reached, the rows that were read last stay, and the log tells how old they are;
 * a process that has never reached it knows no enrolled key. A retirement that was read once stays, whatever becomes of its row: for
 * the life of the process, and longer with a memory.
 */
export class Register implements RowSource {
  readonly #database: Database;
  readonly #logger: Logger;
  readonly #nowMs: () => number;
  readonly #memory: RetirementMemory | undefined;
  #read: Read;
  #readAtMs: number | undefined;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #isReachable = true;
  #looking: Promise<void> | undefined;

  constructor({ url, logger, memory, nowMs = Date.now }: RegisterOptions) {
    this.#database = new Database({ url, maxConnections: 1, log: logger }, [REGISTER]);
    this.#logger = logger;
    this.#nowMs = nowMs;
    this.#memory = memory;
    this.#read = { version: '', rows: memory?.read() ?? [] };
  }

  /** Returns the rows, read a second ago at most while the register can be reached. Never throws. */
  async current(): Promise<readonly DecodedRow[]> {
    if (this.#nowMs() - this.#lookedAtMs >= LOOK_EVERY_MS) {
      this.#looking ??= this.#look().finally(() => {
        this.#lookedAtMs = this.#nowMs();
        this.#looking = undefined;
      });
      // While it is away nobody waits for it: every decision would take as long as a connection takes to fail.
      if (this.#isReachable) await this.#looking;
    }
    return this.#read.rows;
  }

  /** Returns when the rows were read last. Undefined if they never were. */
  get readAtMs(): number | undefined {
    return this.#readAtMs;
  }

  /**
   * Writes a row if `check` accepts it over the rows that are there, and no other row came between.
   *
   * @throws TargetUnavailable if the database cannot be reached
   */
  async add<T>(
    row: DecodedRow,
    check: (rows: readonly DecodedRow[]) => Promise<Result<T>>,
  ): Promise<Result<T>> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const read = await this.#readRows();
      if (read.rows.some(({ id }) => id === row.id))
        return refused('REPLAYED', 'this is in the register already');
      if (read.rows.length >= MOST_ROWS)
        return refused('TOO_LARGE', `a register has ${MOST_ROWS} rows at most`);
      const checked = await check(read.rows);
      if (!checked.ok) return checked;
      const written = await this.#write(row, read.version);
      if (written === 'taken')
        return refused('REPLAYED', 'the invitation was used before, or the passkey is registered');
      if (written === 'written') {
        this.#lookedAtMs = Number.NEGATIVE_INFINITY;
        return accepted(checked.value);
      }
    }
    return refused('NOT_NOW', 'others are writing to the register; try again');
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async #look(): Promise<void> {
    try {
      const version = await this.#version();
      if (version !== this.#read.version) this.#take(await this.#readRows());
      if (!this.#isReachable) this.#logger.info({}, 'the register of enrolled keys can be read again');
      this.#isReachable = true;
      this.#readAtMs = this.#nowMs();
    } catch (error) {
      this.#tellUnreachable(error);
      this.#isReachable = false;
    }
  }

  #take({ version, rows }: Read): void {
    const ids = new Set(rows.map(({ id }) => id));
    const vanished = this.#read.rows.filter(({ id }) => !ids.has(id));
    const retirements = vanished.filter(({ kind }) => kind === 'retired');
    if (vanished.length > 0)
      this.#logger.error(
        { vanished: vanished.map(({ kind, id }) => `${kind} ${id}`).slice(0, 16) },
        'ALERT rows of the register have vanished; retirements go on to count in this process',
      );
    this.#memory?.keep(rows);
    this.#read = { version, rows: [...rows, ...retirements] };
  }

  #tellUnreachable(error: unknown): void {
    const nowMs = this.#nowMs();
    if (this.#isReachable === false && nowMs - this.#toldAtMs < TELL_EVERY_MS) return;
    this.#toldAtMs = nowMs;
    const reason = error instanceof Error ? error.message : 'unknown';
    const ageSeconds =
      this.#readAtMs === undefined ? undefined : Math.round((nowMs - this.#readAtMs) / 1_000);
    this.#logger.error(
      { reason, ...(ageSeconds !== undefined && { ageSeconds }) },
      ageSeconds === undefined
        ? 'ALERT the register of enrolled keys cannot be read; no enrolled key counts'
        : 'ALERT the register of enrolled keys cannot be read; what was read last stays',
    );
  }

  /** Names the rows that are there. What a row says cannot change without its id, and one that does is not read again. */
  async #version(): Promise<string> {
    const [row] = await this.#database.query<{ readonly version: string }>(VERSION);
    return row?.version ?? '';
  }

  /** @throws Error if there are more rows than a register may have: of a part, a retirement could be missing */
  async #readRows(): Promise<Read> {
    const version = await this.#version();
    const rows = await this.#database.query<{ readonly row: string }>(
      'SELECT row FROM countersign.register_row ORDER BY seq LIMIT $1',
      [MOST_ROWS + 1],
    );
    if (rows.length > MOST_ROWS) throw new Error(`the register has more than ${MOST_ROWS} rows`);
    return { version, rows: rows.flatMap(({ row }) => decodeRow(parsed(row)) ?? []) };
  }

  #write(row: DecodedRow, version: string): Promise<'written' | 'changed' | 'taken'> {
    const invitation = row.kind === 'registered' && row.invitation?.claims;
    const credential = row.kind === 'registered' ? row.registration.claims.credential.credentialId : null;
    return this.#database.transaction(async (client) => {
      await lock(client, 'register');
      const { rows: now } = await client.query<{ readonly version: string }>(VERSION);
      if (now[0]?.version !== version) return 'changed';
      const { rowCount } = await client.query(
        `INSERT INTO countersign.register_row (id, row, invitation, credential) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING`,
        [row.id, textOf(row.row), invitation ? `${invitation.iss} ${invitation.jti}` : null, credential],
      );
      return rowCount === 1 ? 'written' : 'taken';
    });
  }
}

const VERSION = `
  SELECT count(*) || ' ' || coalesce(max(seq), 0) || ' ' || md5(coalesce(string_agg(id, ' ' ORDER BY seq), '')) AS version
    FROM countersign.register_row`;

const textOf = (row: RegisterRow): string => JSON.stringify(row);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
