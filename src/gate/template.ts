type Arguments = Readonly<Record<string, unknown>>;

/** Returns the text with arguments in the places of their names, or the name of an argument that is not there. */
export function fillTemplate(
  template: string,
  given: Arguments,
): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly missing: string } {
  let missing: string | undefined;
  const text = template.replace(/\{([^{}]+)\}/g, (_, name: string) => {
    const value = valueAt(given, name.split('.'));
    if (value === undefined) missing ??= name;
    return typeof value === 'string' ? value : String(JSON.stringify(value));
  });
  return missing === undefined ? { ok: true, text } : { ok: false, missing };
}

function valueAt(given: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    return new Map(Object.entries(value)).get(name);
  }, given);
}
