import { readFile, stat } from 'node:fs/promises';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml';
import { codeOf } from '../../stack/errors';
import { UserError } from '../output';

export const IMPORT_LIMITS = { files: 64, fileBytes: 1024 * 1024, nodes: 20_000, depth: 64 } as const;

interface Place {
  readonly file: string;
  readonly line: number;
  /** How a person finds it, such as `spec.allow.logins[0]`. */
  readonly path: string;
}

export interface ScalarNode extends Place {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
}
export interface ListNode extends Place {
  readonly kind: 'list';
  readonly items: readonly SourceNode[];
}
export interface MapNode extends Place {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, SourceNode>;
}
/** A part of a file to import, which knows where it stands. */
export type SourceNode = ScalarNode | ListNode | MapNode;

/** A file to import, as text. */
export interface SourceFile {
  readonly file: string;
  readonly text: string;
}

const unreadable = (file: string, line: number, message: string): UserError =>
  new UserError(`${file}:${line}: ${message}`, 1, 'BAD_SOURCE');

/**
 * Reads the files to import, with limits.
 *
 * @throws UserError that names the file if one is missing, too large or not text
 */
export async function readSources(files: readonly string[]): Promise<readonly SourceFile[]> {
  if (files.length > IMPORT_LIMITS.files)
    throw new UserError(`${files.length} files are too many; import ${IMPORT_LIMITS.files} at once at most`);
  const read: SourceFile[] = [];
  for (const file of files) {
    const bytes = await bytesOf(file);
    try {
      read.push({ file, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) });
    } catch {
      throw unreadable(file, 1, 'is not UTF-8 text');
    }
  }
  return read;
}

async function bytesOf(file: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(file);
    const bytes = size > IMPORT_LIMITS.fileBytes ? undefined : await readFile(file);
    if (bytes !== undefined && bytes.length <= IMPORT_LIMITS.fileBytes) return bytes;
  } catch (error) {
    throw unreadable(file, 1, `cannot be read: ${String(codeOf(error))}`);
  }
  throw unreadable(file, 1, `is larger than ${IMPORT_LIMITS.fileBytes} bytes; import it in parts`);
}

/**
 * Returns the documents of a YAML file, or the one of a JSON file.
 *
 * @throws UserError with file and line if the text is not valid, has aliases, or is too large
 */
export function documentsOf({ file, text }: SourceFile): readonly SourceNode[] {
  const lines = new LineCounter();
  const lineAt = (offset: number | undefined): number => Math.max(1, lines.linePos(offset ?? 0).line);
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  const documents = Array.isArray(parsed) ? parsed : [];
  let nodes = 0;

  const nodeOf = (node: unknown, path: string, line: number, depth: number): SourceNode => {
    nodes += 1;
    if (nodes > IMPORT_LIMITS.nodes)
      throw unreadable(file, line, `has more than ${IMPORT_LIMITS.nodes} values; import it in parts`);
    if (depth > IMPORT_LIMITS.depth) throw unreadable(file, line, 'is nested too deep');
    const place = { file, path: path === '' ? '(document)' : path };
    if (isAlias(node))
      throw unreadable(file, lineAt(node.range?.[0]), 'aliases are not followed here; write the value out');
    if (isMap(node)) {
      const entries = node.items.map(({ key, value }) => {
        const name = isScalar(key) ? String(key.value) : '';
        const at = isScalar(key) ? lineAt(key.range?.[0]) : line;
        if (name === '<<' || !isScalar(key)) throw unreadable(file, at, 'has a key that is not a plain name');
        return [name, nodeOf(value, path === '' ? name : `${path}.${name}`, at, depth + 1)] as const;
      });
      return { ...place, kind: 'map', line, entries: new Map(entries) };
    }
    if (isSeq(node)) {
      const items = node.items.map((item, index) =>
        nodeOf(item, `${path}[${index}]`, lineAt(rangeOf(item)), depth + 1),
      );
      return { ...place, kind: 'list', line, items };
    }
    return { ...place, kind: 'scalar', line, value: isScalar(node) ? scalarOf(node.value) : null };
  };

  return documents.flatMap((document, index) => {
    const [wrong] = [...document.errors, ...document.warnings];
    if (wrong !== undefined)
      throw unreadable(file, lineAt(wrong.pos[0]), `${wrong.message}; correct the file`);
    const { contents } = document;
    if (contents === null) return [];
    const path = documents.length > 1 ? `document ${index + 1}` : '';
    return [nodeOf(contents, path, lineAt(rangeOf(contents)), 0)];
  });
}

const rangeOf = (node: unknown): number | undefined =>
  isMap(node) || isSeq(node) || isScalar(node) || isAlias(node) ? (node as Node).range?.[0] : undefined;

const scalarOf = (value: unknown): ScalarNode['value'] =>
  value === null || typeof value === 'boolean' || typeof value === 'number' ? value : String(value);

/** Returns what lies under these keys, or undefined. */
export function at(node: SourceNode | undefined, ...keys: readonly string[]): SourceNode | undefined {
  let found = node;
  for (const key of keys) found = found?.kind === 'map' ? found.entries.get(key) : undefined;
  return found;
}

/** Returns the items of a list, or what stands in the place of a list of one. */
export function itemsAt(node: SourceNode | undefined, ...keys: readonly string[]): readonly SourceNode[] {
  const found = at(node, ...keys);
  if (found === undefined || (found.kind === 'scalar' && found.value === null)) return [];
  return found.kind === 'list' ? found.items : [found];
}

/** Returns the text of a scalar that is not empty, or undefined. */
export function textAt(node: SourceNode | undefined, ...keys: readonly string[]): string | undefined {
  const found = at(node, ...keys);
  if (found?.kind !== 'scalar' || found.value === null || found.value === '') return undefined;
  return String(found.value);
}

/** Returns the first key of a map that is none of these, or undefined. What is not known may narrow what is. */
export function unknownKey(node: SourceNode | undefined, known: readonly string[]): string | undefined {
  return node?.kind === 'map' ? [...node.entries.keys()].find((key) => !known.includes(key)) : undefined;
}

/** Returns the scalars and the empty lists and maps below a node. */
export function* leavesOf(node: SourceNode): Generator<SourceNode> {
  const below = node.kind === 'map' ? [...node.entries.values()] : node.kind === 'list' ? node.items : [];
  if (below.length === 0) yield node;
  for (const one of below) yield* leavesOf(one);
}
