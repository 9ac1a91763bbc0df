type Members = Readonly<Record<string, unknown>>;

/**
 * Returns true for an object that JSON represents completely. Other values (a text, a list, a Map, a date) can look the same in
 * JSON as something else, which could then run instead of what was approved.
 */
export const isJsonObject = (value: unknown): value is Members =>
  isPlainObject(value) && Object.values(value).every((member) => member === undefined || isJson(member));

function isJson(value: unknown): boolean {
  if (Array.isArray(value)) return Array.from<unknown>(value).every(isJson);
  if (typeof value === 'number') return Number.isFinite(value);
  return value === null || typeof value === 'string' || typeof value === 'boolean' || isJsonObject(value);
}

/** Returns true for a plain object of any realm, which is why it does not compare constructors. */
function isPlainObject(value: unknown): value is Members {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
