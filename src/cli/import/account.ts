import { leavesOf, type SourceNode } from './source';

/** What became of one part of the source. */
export interface Row {
  readonly file: string;
  readonly line: number;
  readonly path: string;
  /** What the draft says in its place, or why it says nothing. */
  readonly text: string;
}

export interface Accounted {
  readonly expressed: readonly Row[];
  readonly left: readonly Row[];
}

const UNREAD = 'not read: nothing here knows what it would mean for who may ask for what';
const EMPTY = 'is empty, so it says nothing';

/**
 * Accounts for every value of the source: it is expressed by the draft, or it is left out for a reason. What nobody accounted for is listed
 * as not read, so nothing can be dropped in silence.
 */
export class Account {
  readonly #expressed = new Map<SourceNode, string>();
  readonly #left = new Map<SourceNode, string>();

  /** The draft says what this one value says. A value that is left out as well is listed as both. */
  express(node: SourceNode | undefined, as: string): void {
    if (node?.kind === 'scalar') this.#expressed.set(node, as);
  }

  /** The draft does not say what this value says, nor anything below it that is not expressed by itself. */
  leave(node: SourceNode | undefined, why: string): void {
    if (node !== undefined && !this.#left.has(node)) this.#left.set(node, why);
  }

  accounted(roots: readonly SourceNode[]): Accounted {
    const left = roots.flatMap((root) => [...this.#leftIn(root, undefined)]);
    const expressed = [...this.#expressed].map(([node, text]) => rowOf(node, text));
    return { expressed: expressed.sort(byPlace), left: left.sort(byPlace) };
  }

  /** Lists a subtree in one row if nothing of it is expressed, else value by value. */
  *#leftIn(node: SourceNode, inherited: string | undefined): Generator<Row> {
    const why = this.#left.get(node) ?? inherited;
    const leaves = [...leavesOf(node)];
    const isLeaf = leaves[0] === node;
    if (why !== undefined && (isLeaf ? this.#left.has(node) : !leaves.some((one) => this.#isMarked(one)))) {
      yield rowOf(node, why);
      return;
    }
    if (isLeaf) {
      if (this.#expressed.has(node)) return;
      const isEmpty = node.kind !== 'scalar' || node.value === null;
      yield rowOf(node, why ?? (isEmpty ? EMPTY : UNREAD));
      return;
    }
    const below = node.kind === 'map' ? node.entries.values() : node.kind === 'list' ? node.items : [];
    for (const one of below) yield* this.#leftIn(one, why);
  }

  #isMarked(node: SourceNode): boolean {
    return this.#expressed.has(node) || this.#left.has(node);
  }
}

const rowOf = ({ file, line, path }: SourceNode, text: string): Row => ({ file, line, path, text });

const byPlace = (one: Row, other: Row): number =>
  one.file === other.file ? one.line - other.line : one.file < other.file ? -1 : 1;
