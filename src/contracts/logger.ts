/**
 * The structured logger of the whole project; pino satisfies it. Log names of identities, codes and ids; never a key, a
 * token or an address with a password.
 */
export interface Logger {
  /** @param details become members of the log line */
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** Logs nothing. */
export const SILENT_LOGGER: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
