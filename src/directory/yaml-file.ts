import { isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument, visit, type YAMLMap } from 'yaml';
import type { z } from 'zod';
import { describeIssue } from './describe-issue';
import { keysAt } from './nearest';

/** One thing wrong with a file: where, and what to do about it. */
export interface FileProblem {
  readonly file: string;
  readonly line: number;
  readonly message: string;
  /** Says what kind of problem it is, where programs have to tell kinds apart. */
  readonly code?: string;
}

/** Makes problems of paths in a file. */
export interface ProblemPlace {
  problem(path: YamlPath, message: string): FileProblem;
}

export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** Where something lies in a YAML document: the keys and indexes that lead to it. */
export type YamlPath = readonly PropertyKey[];

const ONE_DOCUMENT =
  'a second YAML document begins here, and only one is read; remove the "---", or move what follows to its own file';

/** A YAML file that knows the line of everything in it, so that each problem can point at its cause. */
export class YamlFile implements ProblemPlace {
  readonly #lines = new LineCounter();
  readonly #document;
  readonly #pairs = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();
  readonly #syntaxProblems: readonly FileProblem[];

  /** @param file the name that problems are reported under */
  constructor(
    readonly file: string,
    text: string,
  ) {
    // The library compares each key with every other one of its map, which takes minutes in a large directory.
    const options = { lineCounter: this.#lines, prettyErrors: false, uniqueKeys: false };
    this.#document = parseDocument(text, options);
    const problems = [...this.#document.errors, ...this.#document.warnings].map(({ code, message, pos }) =>
      this.#problemAt(pos[0], code === 'MULTIPLE_DOCS' ? ONE_DOCUMENT : `${message}; correct the YAML`),
    );
    visit(this.#document, {
      Alias: (_key, { range }) => {
        problems.push(this.#problemAt(range?.[0], 'aliases are not followed here; write the value out'));
      },
      Map: (_key, map) => {
        problems.push(...this.#keyProblems(map));
      },
    });
    this.#syntaxProblems = problems;
  }

  *#keyProblems({ items }: YAMLMap): Generator<FileProblem> {
    const seen = new Set<string>();
    for (const { key } of items) {
      if (!isScalar(key)) continue;
      const name = String(key.value);
      if (name === '<<')
        yield this.#problemAt(
          key.range?.[0],
          '"<<" merges nothing here; write out the values that it stands for',
        );
      else if (seen.has(name))
        yield this.#problemAt(key.range?.[0], `"${name}" is there twice; keep one of the two`);
      seen.add(name);
    }
  }

  /** Returns the content in the shape that `schema` demands, or everything that is wrong with it. */
  decode<Output>(schema: z.ZodType<Output>): Decoded<Output> {
    if (this.#syntaxProblems.length > 0) return { ok: false, problems: this.#syntaxProblems };
    const parsed = schema.safeParse(this.#document.toJS(), { reportInput: true });
    if (parsed.success) return { ok: true, value: parsed.data };
    const problems = parsed.error.issues.flatMap((issue) =>
      describeIssue(issue, (path) => keysAt(schema, path)).map(({ path, message }) =>
        this.problem(path, message),
      ),
    );
    return { ok: false, problems };
  }

  /** Returns the content as plain data, or undefined if anything is wrong with the text. */
  content(): unknown {
    return this.#syntaxProblems.length > 0 ? undefined : this.#document.toJS();
  }

  problem(path: YamlPath, message: string): FileProblem {
    return { file: this.file, line: this.lineOf(path), message };
  }

  /** The line of what `path` leads to, or of the nearest thing above it that exists. */
  lineOf(path: YamlPath): number {
    let node: unknown = this.#document.contents;
    let offset = 0;
    for (const step of path) {
      const found = this.#stepInto(node, step);
      if (found === undefined) break;
      ({ node, offset } = found);
    }
    return this.#lineAt(offset);
  }

  #problemAt(offset: number | undefined, message: string): FileProblem {
    return { file: this.file, line: this.#lineAt(offset ?? 0), message };
  }

  #lineAt(offset: number): number {
    return Math.max(1, this.#lines.linePos(offset).line);
  }

  #stepInto(node: unknown, step: PropertyKey): { node: unknown; offset: number } | undefined {
    if (isMap(node)) {
      const pair = this.#pairsOf(node).get(String(step));
      if (!isScalar(pair?.key)) return undefined;
      return { node: pair.value, offset: pair.key.range?.[0] ?? 0 };
    }
    if (isSeq(node) && typeof step === 'number') {
      const item = node.items[step];
      if (isMap(item) || isSeq(item) || isScalar(item)) return { node: item, offset: item.range?.[0] ?? 0 };
    }
    return undefined;
  }

  #pairsOf(map: YAMLMap): ReadonlyMap<string, Pair> {
    const known = this.#pairs.get(map);
    if (known !== undefined) return known;
    const pairs = new Map(
      map.items.flatMap((pair) => (isScalar(pair.key) ? [[String(pair.key.value), pair] as const] : [])),
    );
    this.#pairs.set(map, pairs);
    return pairs;
  }
}
