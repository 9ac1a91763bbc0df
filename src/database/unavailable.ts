/**
 * A database or target that could not be reached, broke the connection, or refused a statement. Callers retry, unless
 * `isPermanent`. The message holds the server's words, and no address and no password.
 */
export class TargetUnavailable extends Error {
  override readonly name = 'TargetUnavailable';
  constructor(
    message: string,
    /** The database's own code, if it was the database that refused. */
    readonly sqlState?: string,
    /** Whether the reason lies in how the target is set up. */
    readonly isPermanent: boolean = sqlState !== undefined && PERMANENT.test(sqlState),
  ) {
    super(message);
  }
}

/** Classes of SQLSTATE that no retry mends: bad data, wrong login, missing right, unknown role, database or table. */
const PERMANENT = /^(?:0L|0P|22|28|3D|3F|42)/;
/** What the driver says without a code, and the database would say with one. */
const DRIVER_WORDS: readonly (readonly [RegExp, string, string])[] = [
  [/^SASL: .*password must be/, '28P01', 'the database asks for a password, and the address has none'],
  [/does not support SSL/, '28000', 'the address asks for SSL, which the database does not offer'],
];
const MESSAGE_CHARACTERS = 300;

/**
 * Returns whether a database or target refused for a reason that lies in how it is set up, so that a retry meets the same
 * refusal until somebody changes that. An outage is none.
 */
export const isPermanent = (error: unknown): error is TargetUnavailable =>
  error instanceof TargetUnavailable && error.isPermanent;

/** Returns what callers get in place of the driver's error, which may hold an address: its code, and the server's own words. */
export function publicError(error: unknown): Error {
  if (error instanceof TargetUnavailable) return error;
  const message = error instanceof Error ? error.message : '';
  const [, driverCode, words = wordsOf(message)] = DRIVER_WORDS.find(([said]) => said.test(message)) ?? [];
  const code = driverCode ?? sqlStateOf(error);
  if (code !== undefined) return new TargetUnavailable(`the database refused: ${code} ${words}`, code);
  const reason = networkCodeOf(error);
  return new TargetUnavailable(`the database cannot be reached${reason === undefined ? '' : ` (${reason})`}`);
}

/** One line of a server's message. What could be an address of this or another machine is left out. */
const wordsOf = (message: string): string =>
  (message.split('\n', 1)[0] ?? '')
    .replace(/\bhost "[^"]*"/g, 'host "…"')
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, '…')
    .replace(/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, '…')
    .slice(0, MESSAGE_CHARACTERS);

const networkCodeOf = (error: unknown): string | undefined => codeOf(error, /^E[A-Z_]{2,20}$/);

/** Returns the five-character SQLSTATE of an error of the database, or undefined if it has none. Each has a digit; EPIPE is none. */
export const sqlStateOf = (error: unknown): string | undefined => codeOf(error, /^(?=.*\d)[0-9A-Z]{5}$/);

/** Looks at the member alone, because an error of Node's core is not of this realm everywhere. */
function codeOf(error: unknown, shape: RegExp): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && shape.test(code) ? code : undefined;
}
