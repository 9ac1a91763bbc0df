import { MOMENT_EXAMPLE, readMomentMs } from './moment';

/** A local time with the name of its zone (RFC 9557), with or without the offset. */
const ZONED = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?)(Z|[+-]\d{2}:\d{2})?\[([A-Za-z][\w+/-]{0,63})\]$/;
const LOCAL = /^\d{4}-\d{2}-\d{2}[T ]\d{1,2}:\d{2}(?::\d{2})?$/;
const DAY_MS = 86_400_000;

/** Examples of a time that a person types. */
export const ZONED_EXAMPLE = `${MOMENT_EXAMPLE}, or 2026-11-21T11:00[Europe/Berlin]`;

export type ReadMoment =
  | { readonly ok: true; readonly atMs: number }
  | { readonly ok: false; readonly why: string };

/**
 * Reads a time that a person types: all that `readMomentMs` reads, and a local time with its zone's name in brackets. A local
 * time that the clocks of the zone skip on that day, or show twice, is refused. Nothing that is kept has a zone's name: the
 * rules of zones change, and a record must mean the same moment for ever.
 */
export function readMoment(text: string): ReadMoment {
  const [, local, offset, zone] = ZONED.exec(text) ?? [];
  if (local !== undefined && zone !== undefined) return readZoned(local, offset, zone);
  const atMs = readMomentMs(text);
  if (atMs !== undefined) return { ok: true, atMs };
  const isLocal = LOCAL.test(text);
  return refused(
    isLocal
      ? `${JSON.stringify(text)} has no zone, so it is another moment in each place; add Z, an offset, or a zone such as [Europe/Berlin]`
      : `${JSON.stringify(text)} is not a time such as ${ZONED_EXAMPLE}`,
  );
}

function readZoned(local: string, offset: string | undefined, zone: string): ReadMoment {
  const wallMs = readMomentMs(`${local}Z`);
  if (wallMs === undefined) return refused(`${JSON.stringify(local)} is not a time such as ${ZONED_EXAMPLE}`);
  const offsetMs = offsetsIn(zone);
  if (offsetMs === undefined) return refused(`${zone} is not a time zone; write one such as Europe/Berlin`);
  const offsets = new Set([offsetMs(wallMs - DAY_MS), offsetMs(wallMs + DAY_MS)]);
  const possible = [...offsets].map((one) => wallMs - one).filter((atMs) => atMs + offsetMs(atMs) === wallMs);
  const said = possible.map((atMs) => `${new Date(atMs).toISOString()}`);
  if (offset !== undefined) {
    const atMs = readMomentMs(`${local}${offset}`);
    return atMs !== undefined && possible.includes(atMs)
      ? { ok: true, atMs }
      : refused(`${local} in ${zone} is ${said.join(' or ') || 'skipped'}, which ${offset} does not fit`);
  }
  const [atMs] = possible;
  if (atMs === undefined)
    return refused(
      `${local} does not exist in ${zone}: its clocks are put forward over it; choose another time`,
    );
  if (possible.length > 1)
    return refused(`${local} comes twice in ${zone}, as ${said.join(' and ')}; write one of these`);
  return { ok: true, atMs };
}

const refused = (why: string): ReadMoment => ({ ok: false, why });

/** Returns how far the clocks of a zone are ahead of UTC at a moment; undefined if there is no such zone. */
function offsetsIn(timeZone: string): ((atMs: number) => number) | undefined {
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      ...{ timeZone, hourCycle: 'h23', era: 'short' },
      ...{
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
      },
    });
    return (atMs) => {
      const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
      const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
      const wallMs = Date.UTC(
        ...([
          part('year'),
          part('month') - 1,
          part('day'),
          part('hour'),
          part('minute'),
          part('second'),
        ] as const),
      );
      return wallMs - Math.floor(atMs / 1_000) * 1_000;
    };
  } catch {
    return undefined;
  }
}
