/** A table for people, spreadsheets and programs. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Formats a table with aligned columns. */
export function tableLines({ title, columns, rows }: Table): readonly string[] {
  const all = [columns.map((name) => name.toUpperCase()), ...rows];
  const widths = columns.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const body = all.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [`${title} (${rows.length})`, ...(rows.length === 0 ? ['none'] : body), ''];
}

/** Formats a table as CSV (RFC 4180). A cell that a spreadsheet would read as a formula gets a quote in front. */
export function csvLines({ columns, rows }: Table): readonly string[] {
  return [columns, ...rows].map((row) => row.map(csvCell).join(','));
}

function csvCell(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** Returns the rows as objects. */
export const tableObjects = ({ columns, rows }: Table): readonly Record<string, string>[] =>
  rows.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at] ?? ''])));
