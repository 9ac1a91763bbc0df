import { printable } from './output';

/** Rows in columns, the first row the head. `numbers`: all columns but the first align right, so that digits stand under digits. */
export function table(
  rows: readonly (readonly string[])[],
  { numbers = false }: { readonly numbers?: boolean } = {},
): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const aligned = (cell: string, column: number): string => {
    const width = widths[column] ?? 0;
    return numbers && column > 0 ? cell.padStart(width) : cell.padEnd(width);
  };
  return rows.map((row) => printable(row.map(aligned).join('  ').trimEnd()));
}
