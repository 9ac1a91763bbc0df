/** Returns the code of a system error, such as `ENOENT`. Not by `instanceof`, as Jest runs tests in another realm than Node's errors. */
export function codeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}

/** Returns the message of an error on one line. */
export function messageOf(error: unknown): string {
  const message =
    typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
  return message.replace(/\s*\n\s*/g, ' | ');
}
