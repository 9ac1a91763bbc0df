import type { Logger } from '../../contracts/logger';
import { BoundedMap } from '../../signing/seen';
import type { UnrecognisedToken } from './authenticate';

const AGAIN_MS = 60_000;
/** Lines a minute. Anyone can send tokens, so a flood of made-up ones must not fill the log. */
const MOST_LINES = 60;

/**
 * Returns what writes tokens that map to nobody to the log: issuer and subject, never the token. The same one is written once a minute,
 * and what is over the limit is counted.
 */
export function logUnrecognised(log: Logger, nowMs: () => number): (token: UnrecognisedToken) => void {
  const written = new BoundedMap<number>(1_000);
  let minute = { fromMs: Number.NEGATIVE_INFINITY, lines: 0, leftOut: 0 };
  return ({ issuer, subject, why }) => {
    const atMs = nowMs();
    if (atMs >= minute.fromMs + AGAIN_MS) {
      if (minute.leftOut > 0) log.warn({ leftOut: minute.leftOut }, 'more tokens that map to nobody');
      minute = { fromMs: atMs, lines: 0, leftOut: 0 };
    }
    const key = JSON.stringify([issuer, subject, why]);
    if (atMs < (written.get(key) ?? Number.NEGATIVE_INFINITY) + AGAIN_MS) return;
    if (minute.lines >= MOST_LINES) {
      minute.leftOut += 1;
      return;
    }
    minute.lines += 1;
    written.set(key, atMs);
    log.warn({ issuer, subject, why }, 'a token maps to nobody, so its call was refused');
  };
}
