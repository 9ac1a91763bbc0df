import { printable } from './output';
import { PLAIN, paint, type Terminal } from './terminal';

export interface TableOptions {
  /** All columns but the first align right, so that digits stand under digits. */
  readonly numbers?: boolean;
  /** Where the table is shown. Nothing is shortened or broken up if this is not a terminal. */
  readonly terminal?: Terminal;
  /** Columns that may be shortened to make the table fit. */
  readonly shortens?: readonly number[];
  /** Colours a padded cell of a column. */
  readonly paints?: Readonly<Record<number, (cell: string) => string>>;
}

const GAP = 2;
/** No column is shortened further, nor below its head. */
const SHORTEST = 10;

/**
 * Renders rows in columns; the first row is the head. On a terminal that is too narrow, it first shortens columns that may be
 * shortened, then breaks the table into several below each other that all begin with the first column.
 */
export function table(rows: readonly (readonly string[])[], options: TableOptions = {}): readonly string[] {
  const { terminal = PLAIN, shortens = [] } = options;
  const clean = rows.map((row) => row.map(printable));
  const widths = (clean[0] ?? []).map((_, column) =>
    Math.max(...clean.map((row) => row[column]?.length ?? 0)),
  );
  const width = terminal.columns ?? Number.POSITIVE_INFINITY;
  const shortest = (clean[0] ?? []).map((head) => Math.max(SHORTEST, head.length));
  shrink(widths, { width, shortens, shortest });
  return blocksOf(widths, width).flatMap((columns, index) => [
    ...(index === 0 ? [] : ['']),
    ...clean.map((row, number) => renderRow(row, columns, { widths, isHead: number === 0 }, options)),
  ]);
}

function renderRow(
  row: readonly string[],
  columns: readonly number[],
  { widths, isHead }: { readonly widths: readonly number[]; readonly isHead: boolean },
  { numbers = false, terminal = PLAIN, paints = {} }: TableOptions,
): string {
  const cells = columns.map((column, index) => {
    const width = widths[column] ?? 0;
    const cell = shortened(row[column] ?? '', width);
    if (numbers && column > 0) return cell.padStart(width);
    const padded = index === columns.length - 1 ? cell : cell.padEnd(width);
    return isHead ? padded : (paints[column]?.(padded) ?? padded);
  });
  const line = cells.join(' '.repeat(GAP)).trimEnd();
  return isHead ? paint('bold', line, terminal) : line;
}

/** Takes characters from the widest of the columns that may be shortened, one at a time. */
function shrink(
  widths: number[],
  limits: {
    readonly width: number;
    readonly shortens: readonly number[];
    readonly shortest: readonly number[];
  },
): void {
  for (let excess = lineWidth(widths) - limits.width; excess > 0; excess -= 1) {
    const [widest] = limits.shortens
      .filter((column) => (widths[column] ?? 0) > (limits.shortest[column] ?? 0))
      .sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
    if (widest === undefined) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

const lineWidth = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width, 0) + GAP * Math.max(0, widths.length - 1);

/** Columns that fit beside each other, the first column in each block. */
function blocksOf(widths: readonly number[], width: number): readonly (readonly number[])[] {
  const blocks: number[][] = [];
  let block = [0];
  for (let column = 1; column < widths.length; column += 1) {
    const widthSoFar = lineWidth([...block, column].map((one) => widths[one] ?? 0));
    if (widthSoFar > width && block.length > 1) {
      blocks.push(block);
      block = [0];
    }
    block.push(column);
  }
  return widths.length === 0 ? [] : [...blocks, block];
}

/** Leaves out the middle, as both ends of ids and entitlements tell them apart. */
function shortened(text: string, width: number): string {
  if (text.length <= width) return text;
  const end = Math.floor((width - 1) / 2);
  return `${text.slice(0, width - 1 - end)}…${text.slice(text.length - end)}`;
}
