import { isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import { describeIssue } from './describe-issue';

/** One thing wrong with a file: where, and what to do about it. */
export interface FileProblem {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** Where something lies in a YAML document: the keys and indexes that lead to it. */
export type YamlPath = readonly PropertyKey[];

/** A YAML file that remembers on which line everything stands, so that each problem can point at its cause. */
export class YamlFile {
  readonly #lines = new LineCounter();
  readonly #document;
  readonly #syntaxProblems: readonly FileProblem[];

  /** @param file the name that problems are reported under */
  constructor(
    readonly file: string,
    text: string,
  ) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    const faults = [...this.#document.errors, ...this.#document.warnings].map((fault) =>
      this.#problemAt(fault.pos[0], `${fault.message}; correct the YAML`),
    );
    visit(this.#document, {
      Alias: (_key, node) => {
        faults.push(this.#problemAt(node.range?.[0], 'aliases are not followed here; write the value out'));
      },
    });
    this.#syntaxProblems = faults;
  }

  /** The file's content in the shape that `schema` demands, or everything that keeps it from having it. */
  decode<Output>(schema: z.ZodType<Output>): Decoded<Output> {
    if (this.#syntaxProblems.length > 0) return { ok: false, problems: this.#syntaxProblems };
    const parsed = schema.safeParse(this.#document.toJS(), { reportInput: true });
    if (parsed.success) return { ok: true, value: parsed.data };
    const problems = parsed.error.issues.flatMap((issue) =>
      describeIssue(issue).map(({ path, message }) => this.problem(path, message)),
    );
    return { ok: false, problems };
  }

  problem(path: YamlPath, message: string): FileProblem {
    return { file: this.file, line: this.lineOf(path), message };
  }

  /** The line of what `path` leads to, or of the nearest thing above it that exists. */
  lineOf(path: YamlPath): number {
    let node: unknown = this.#document.contents;
    let offset = 0;
    for (const step of path) {
      const found = stepInto(node, step);
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
}

function stepInto(node: unknown, step: PropertyKey): { node: unknown; offset: number } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
    if (!isScalar(pair?.key)) return undefined;
    return { node: pair.value, offset: pair.key.range?.[0] ?? 0 };
  }
  if (isSeq(node) && typeof step === 'number') {
    const item = node.items[step];
    if (isMap(item) || isSeq(item) || isScalar(item)) return { node: item, offset: item.range?.[0] ?? 0 };
  }
  return undefined;
}
