import { parseArgs } from 'node:util';

/** A whole number that a bench takes as an option: its default and its bounds. */
export interface NumberOption {
  readonly otherwise: number;
  readonly least: number;
  readonly most: number;
}

export interface BenchOptions<Name extends string, Choice extends string> {
  readonly json: boolean;
  count(name: Name): number;
  readonly only: Choice | undefined;
}

/** Reads the options of a bench: numbers, `--json`, and `--only PART` if it has parts. `--help` lists them. */
export function benchOptions<Name extends string, Choice extends string = never>(
  bench: string,
  numbers: Readonly<Record<Name, NumberOption>>,
  parts: readonly Choice[] = [],
): BenchOptions<Name, Choice> {
  try {
    const names = Object.keys(numbers) as Name[];
    const { values, positionals } = parseArgs({
      allowPositionals: parts.length > 0,
      options: {
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        ...(parts.length > 0 && { only: { type: 'string' as const } }),
        ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
      },
    });
    const given: Readonly<Record<string, string | boolean | undefined>> = values;
    if (given['help'] === true) {
      process.stdout.write(`${usageOf(bench, numbers, parts)}\n`);
      process.exit(0);
    }
    const wanted = [given['only'], ...positionals].filter((one) => one !== undefined);
    const only = parts.find((part) => part === wanted[0]);
    if (wanted.length > 1 || (wanted.length === 1 && only === undefined))
      throw new Error(`${wanted.join(' ')}: expected ${parts.join(' or ')}`);
    const read = new Map(names.map((name) => [name, wholeOf(name, given[name], numbers[name])]));
    return {
      json: given['json'] === true,
      only,
      count: (name) => read.get(name) ?? numbers[name].otherwise,
    };
  } catch (error) {
    const what = error instanceof Error ? error.message.split('\n')[0] : String(error);
    process.stderr.write(`${bench}: ${what} (--help)\n`);
    process.exit(2);
  }
}

function wholeOf(name: string, text: unknown, { otherwise, least, most }: NumberOption): number {
  if (text === undefined) return otherwise;
  const value = typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Error(`--${name}: ${JSON.stringify(text)} is not a whole number from ${least} to ${most}`);
}

function usageOf(
  bench: string,
  numbers: Readonly<Record<string, NumberOption>>,
  parts: readonly string[],
): string {
  const lines = Object.entries(numbers).map(
    ([name, { otherwise, least, most }]) => `  --${name} N (${least} to ${most}; ${otherwise})`,
  );
  const only = parts.length === 0 ? [] : [`  --only ${parts.join(' | ')}`];
  return [`${bench}:`, ...lines, ...only, '  --json'].join('\n');
}
