import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { MOST_ROWS } from '../../contracts/enrolment';
import type { Logger } from '../../contracts/logger';
import { LIMITS } from '../../domain/limits';
import { type DecodedRow, decodeRow } from './row';

const NAME = 'retired-keys.jsonl';
/** Beyond this, the file is not one that we wrote. */
const MOST_BYTES = MOST_ROWS * 2 * LIMITS.statementBytes;

/**
 * The retirements that processes with this state folder have read, one a line. Who can write to the register's database, and not to this
 * folder, brings no key back by deleting its retirement. Rows are only ever added. A retirement counts as it stands, so a line that
 * somebody adds could end a key, as in the database.
 */
export class RetirementMemory {
  readonly file: string;
  readonly #known = new Set<string>();
  #hasTold = false;

  constructor(
    stateDir: string,
    private readonly logger: Logger,
  ) {
    this.file = path.join(stateDir, NAME);
  }

  /** Returns the retirements that are remembered. Lines that are none are left out. */
  read(): readonly DecodedRow[] {
    try {
      if (!existsSync(this.file) || statSync(this.file).size > MOST_BYTES) return [];
      const rows = readFileSync(this.file, 'utf8').split('\n').flatMap(retirementIn);
      for (const { id } of rows) this.#known.add(id);
      return [...new Map(rows.map((row) => [row.id, row])).values()];
    } catch (error) {
      this.#tell(error);
      return [];
    }
  }

  /** Remembers the retirements among these rows. If that fails, the log says so once, and the process remembers them itself. */
  keep(rows: readonly DecodedRow[]): void {
    const added = rows.filter(({ kind, id }) => kind === 'retired' && !this.#known.has(id));
    if (added.length === 0) return;
    try {
      // Not recursive: on a file system that creates no folders, Node's recursive form never returns.
      const folder = path.dirname(this.file);
      if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
      appendFileSync(this.file, added.map(({ row }) => `${JSON.stringify(row)}\n`).join(''), { mode: 0o600 });
      for (const { id } of added) this.#known.add(id);
    } catch (error) {
      this.#tell(error);
    }
  }

  #tell(error: unknown): void {
    if (this.#hasTold) return;
    this.#hasTold = true;
    this.logger.warn(
      { file: this.file, reason: error instanceof Error ? error.message : 'unknown' },
      'retirements of keys are remembered only as long as this process lives',
    );
  }
}

function retirementIn(line: string): readonly DecodedRow[] {
  try {
    const row = line === '' ? undefined : decodeRow(JSON.parse(line));
    return row?.kind === 'retired' ? [row] : [];
  } catch {
    return [];
  }
}
