import { readFileSync } from 'node:fs';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { z } from 'zod';
import { TargetUnavailable } from '../../database/unavailable';

export interface MysqlSettings {
  readonly url: string;
  readonly caFile?: string;
}

const WITHIN_MS = 4_000;
const MESSAGE_CHARACTERS = 300;

/**
 * Errors that no retry mends: a wrong login, a missing right, a name that is not there
 * (ER_DBACCESS_DENIED_ERROR, ER_ACCESS_DENIED_ERROR, ER_TABLEACCESS_DENIED_ERROR, ER_SPECIFIC_ACCESS_DENIED_ERROR,
 * ER_INVALID_ROLE and their kin).
 */
const PERMANENT = [1044, 1045, 1064, 1142, 1143, 1227, 1133, 1141, 1146, 1396, 1698, 1959, 1961];

/** Runs statements on a connection of its own. Values are bound; names are quoted. */
export interface Session {
  rows<T extends object>(sql: string, values?: readonly string[]): Promise<readonly T[]>;
  run(sql: string): Promise<void>;
}

/**
 * Runs `work` on a connection of its own. Every statement has a time-out.
 *
 * @throws TargetUnavailable with the server's own words, without an address or a secret
 */
export async function withServer<T>(
  settings: MysqlSettings,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  let connection: Connection | undefined;
  try {
    const { url, caFile } = settings;
    const address = new URL(url);
    connection = await createConnection({
      host: address.hostname.replace(/^\[|\]$/g, ''),
      port: Number(address.port || 3306),
      user: decodeURIComponent(address.username),
      password: decodeURIComponent(address.password),
      connectTimeout: WITHIN_MS,
      ...(caFile !== undefined && { ssl: { ca: readFileSync(caFile, 'utf8') } }),
      // Everything that is not plain ASCII in a name has to arrive as it is.
      charset: 'utf8mb4',
    });
    const open = connection;
    return await work({
      rows: async <R extends object>(sql: string, values: readonly string[] = []) => {
        const [rows] = await open.query<(R & RowDataPacket)[]>({
          sql,
          values: [...values],
          timeout: WITHIN_MS,
        });
        return rows;
      },
      run: async (sql) => void (await open.query({ sql, timeout: WITHIN_MS })),
    });
  } catch (error) {
    throw publicError(error);
  } finally {
    connection?.destroy();
  }
}

const serverError = z.object({ errno: z.number().int(), sqlState: z.string(), sqlMessage: z.string() });
const networkError = z.object({ code: z.string().regex(/^[A-Z_]{2,60}$/) });

function publicError(error: unknown): Error {
  if (error instanceof TargetUnavailable) return error;
  const said = serverError.safeParse(error).data;
  if (said !== undefined) {
    const words = said.sqlMessage.replace(/\s+/g, ' ').slice(0, MESSAGE_CHARACTERS);
    return new TargetUnavailable(
      `the server refused: ${said.errno} ${words}`,
      undefined,
      PERMANENT.includes(said.errno),
    );
  }
  const { code } = networkError.safeParse(error).data ?? {};
  return new TargetUnavailable(`the server cannot be reached${code === undefined ? '' : ` (${code})`}`);
}

/** Returns the server's number of an error, or undefined. */
export const errnoOf = (error: unknown): number | undefined => serverError.safeParse(error).data?.errno;
