import { usageError } from './output';

/** Parses a whole number in plain digits. @throws UserError of wrong usage, which starts with `what` */
export function parseWhole(text: string, what: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw usageError(`${what}: ${JSON.stringify(text)} is not a whole number from ${least} to ${most}`);
  return value;
}

/** Parses a port. @throws UserError of wrong usage, which starts with `what` */
export function parsePort(text: string, what: string, least: 0 | 1 = 0): number {
  if (/^\d{1,5}$/.test(text) && Number(text) >= least && Number(text) <= 65_535) return Number(text);
  throw usageError(`${what}: ${JSON.stringify(text)} is not a port`);
}
