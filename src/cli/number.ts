import { usageError } from './output';

/** Reads a whole number, as plain digits. */
export function parseWhole(text: string, what: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw usageError(`${what}: ${JSON.stringify(text)} is not a whole number from ${least} to ${most}`);
  return value;
}

/** Reads a port; 0 where a free one may be chosen. */
export function parsePort(text: string, what: string, least: 0 | 1 = 0): number {
  if (/^\d{1,5}$/.test(text) && Number(text) >= least && Number(text) <= 65_535) return Number(text);
  throw usageError(`${what}: ${JSON.stringify(text)} is not a port`);
}
