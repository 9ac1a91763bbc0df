type Members = Readonly<Record<string, unknown>>;

/**
 * An object that says in JSON all that it says. Of anything else (a text, a list, a Map, a date) another thing of the same
 * writing could be run in place of what was approved.
 */
export const isJsonObject = (value: unknown): value is Members =>
  isPlainObject(value) && Object.values(value).every((member) => member === undefined || isJson(member));

function isJson(value: unknown): boolean {
  if (Array.isArray(value)) return Array.from<unknown>(value).every(isJson);
  if (typeof value === 'number') return Number.isFinite(value);
  return value === null || typeof value === 'string' || typeof value === 'boolean' || isJsonObject(value);
}

/** Of whichever realm, so that what it is made of cannot be told by comparing constructors. */
function isPlainObject(value: unknown): value is Members {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
