/** Stable codes of the client's errors. Callers match on the code, people read the message. */
export const CLIENT_ERROR_CODES = [
  'BAD_SETTINGS',
  'BAD_KEY',
  'INVALID_REQUEST',
  'INVALID_STATEMENT',
  'ALREADY_SUBMITTED',
  'NOT_FOUND',
  'NOT_ANSWERING',
  'UNREACHABLE',
  'TIMED_OUT',
] as const;
export type ClientErrorCode = (typeof CLIENT_ERROR_CODES)[number];

/** What the client throws. `code` is stable; `message` is one line that says what to do next. */
export class CountersignError extends Error {
  override readonly name = 'CountersignError';

  constructor(
    readonly code: ClientErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
