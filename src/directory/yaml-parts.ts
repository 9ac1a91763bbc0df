import { YamlFile } from './yaml-file';

/**
 * Parts of a large YAML file that can be parsed side by side, by the same parser as the whole: one that is parsed in parts and
 * one that is parsed whole must never differ. So only a file of the plainest layout is split, at the beginning of an entry of a top-level
 * section, and each part is a file of its own under the same section. What is not as plain is parsed whole, and so is whatever has a
 * problem in any part, because only the whole file knows its lines.
 */

/** Tabs, other line breaks and byte order marks change what a line is, or where it begins. */
const UNPLAIN = /[\t\r\u0085\u2028\u2029\ufeff]/;
/** A top-level key. Only a section, whose entries are on the lines that follow, is split. */
const TOP = /^[A-Za-z][\w-]*:(?: .*)?$/;
const SECTION = /^[A-Za-z][\w-]*: *$/;
const ENTRY = /^ +[A-Za-z][\w./@-]*:(?: |$)/;

/** Splits the text of a YAML file into about as many parts as wanted. Returns undefined if it is not plain enough to be split. */
export function splitYaml(text: string, parts: number): readonly string[] | undefined {
  if (UNPLAIN.test(text)) return undefined;
  const size = Math.ceil(text.length / parts);
  const found: string[] = [];
  let header = '';
  let beginsAt = 0;
  let section: { readonly header: string; indent?: number; entries: number } | undefined;
  const close = (at: number) => found.push(header + text.slice(beginsAt, at));
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at);
    const line = text.slice(at, end < 0 ? text.length : end);
    const content = line.trimStart();
    const indent = line.length - content.length;
    if (content !== '' && !content.startsWith('#')) {
      if (indent === 0) {
        if (!TOP.test(line)) return undefined;
        section = SECTION.test(line) ? { header: line, entries: 0 } : undefined;
      } else if (section !== undefined) {
        section.indent ??= indent;
        if (indent < section.indent) return undefined;
        if (indent === section.indent) {
          if (!ENTRY.test(line)) return undefined;
          if (section.entries > 0 && at - beginsAt >= size) {
            close(at);
            header = `${section.header}\n`;
            beginsAt = at;
          }
          section.entries += 1;
        }
      }
    }
    at = end < 0 ? text.length : end + 1;
  }
  close(text.length);
  return found.length > 1 ? found : undefined;
}

/** Parses one part. Returns undefined if anything is wrong with it. */
export function parsePart(text: string): unknown {
  return new YamlFile('', text).content();
}

/** Puts parsed parts together. Returns undefined if one could not be parsed, or if together they say something twice. */
export function joinParts(parts: readonly unknown[]): Readonly<Record<string, unknown>> | undefined {
  const sections = new Map<string, unknown>();
  for (const [index, part] of parts.entries()) {
    if (!isMapping(part)) return undefined;
    for (const [position, [name, value]] of Object.entries(part).entries()) {
      if (!sections.has(name)) {
        sections.set(name, value);
        continue;
      }
      const entries = index > 0 && position === 0 ? entriesOf(sections.get(name)) : undefined;
      if (entries === undefined || !isMapping(value)) return undefined;
      for (const [key, entry] of Object.entries(value)) {
        if (entries.has(key)) return undefined;
        entries.set(key, entry);
      }
      sections.set(name, entries);
    }
  }
  return Object.fromEntries(
    [...sections].map(([name, value]) => [name, value instanceof Map ? Object.fromEntries(value) : value]),
  );
}

/** The entries of a section as a map, which grows without being copied for each part. */
function entriesOf(section: unknown): Map<unknown, unknown> | undefined {
  if (section instanceof Map) return section;
  return isMapping(section) ? new Map(Object.entries(section)) : undefined;
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
