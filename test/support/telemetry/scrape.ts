/** One time series of a scrape. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Parses a page in Prometheus text format. Throws at a line that is not valid. */
export function parseScrape(text: string): readonly Series[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', inside = '', value = ''] =
        /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? fail(line);
      const labels = [...inside.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/g)];
      return {
        name,
        labels: Object.fromEntries(labels.map(([, label = '', said = '']) => [label, said])),
        value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value),
      };
    });
}

function fail(line: string): never {
  throw new Error(`not a line of a scrape: ${line}`);
}

export async function scrape(url: string): Promise<readonly Series[]> {
  return parseScrape(await (await fetch(url)).text());
}

/** Returns the sum of all series of that name with those labels. */
export function total(
  series: readonly Series[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const fits = (one: Series) =>
    one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value);
  return series.filter(fits).reduce((sum, { value }) => sum + value, 0);
}
