import ICAL from 'ical.js';
import { readMoment } from '../../contracts/zoned-moment';

/** How much of a calendar is read. What is over a limit is refused as a whole. */
export const CALENDAR_LIMITS = {
  bytes: 4 * 1024 * 1024,
  events: 5_000,
  steps: 100_000,
  shifts: 20_000,
} as const;
/** Names and addresses that one event may have. */
const MOST_ATTENDEES = 50;
const LONGEST_NAME = 320;

/** Somebody's time on call, as the calendar has it. Who they are in the directory is not known yet. */
export interface Shift {
  readonly startMs: number;
  readonly endMs: number;
  readonly who: readonly string[];
}

export interface Shifts {
  readonly shifts: readonly Shift[];
  /** What of the calendar was left out, and why. One line each. */
  readonly remarks: readonly string[];
}

export interface CalendarQuestion {
  readonly text: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Which part of an event names the person. */
  readonly who: 'attendee' | 'summary';
  /** Zone of times that name none. */
  readonly zone?: string;
}

/**
 * Returns the shifts of a calendar (RFC 5545) that overlap a span of time, recurrences and their exceptions included. A rule that repeats may
 * keep the library busy for ever, so this runs in a thread that can be ended.
 *
 * @throws Error of one line if it is no calendar, or more than is read
 */
export function shiftsIn({ text, fromMs, toMs, who, zone: given }: CalendarQuestion): Shifts {
  if (text.length > CALENDAR_LIMITS.bytes) throw new Error(`it has more than ${CALENDAR_LIMITS.bytes} bytes`);
  const calendar = parsed(text);
  const events = calendar.getAllSubcomponents('vevent');
  if (events.length > CALENDAR_LIMITS.events)
    throw new Error(`it has more than ${CALENDAR_LIMITS.events} events`);
  const ofCalendar = calendar.getFirstPropertyValue('x-wr-timezone');
  const zone = given ?? (typeof ofCalendar === 'string' ? ofCalendar : undefined);
  const remarks = new Set<string>();
  const shifts: Shift[] = [];
  const replaced = new Map<string, Set<number>>();
  let steps = 0;
  const add = (startMs: number, endMs: number, names: readonly string[]) => {
    if (startMs >= toMs || endMs <= fromMs || startMs >= endMs) return;
    if (shifts.length >= CALENDAR_LIMITS.shifts)
      throw new Error(`it has more than ${CALENDAR_LIMITS.shifts} shifts`);
    shifts.push({ startMs, endMs, who: names });
  };
  const isException = (event: ICAL.Component) => event.hasProperty('recurrence-id');
  // Exceptions come first: an occurrence that one of them replaces is not on call, even where the exception is cancelled.
  for (const component of [...events.filter(isException), ...events.filter((one) => !isException(one))]) {
    const event = new ICAL.Event(component, { strictExceptions: true, exceptions: [] });
    try {
      const instant = (time: ICAL.Time, property: string) => instantOf(time, component, property, zone);
      if (isException(component)) {
        const id = component.getFirstProperty('recurrence-id');
        if (id?.getFirstParameter('range') !== undefined)
          throw new Error('changes every later occurrence at once (RANGE), which is not read');
        const uid = replaced.get(event.uid) ?? new Set();
        replaced.set(event.uid, uid.add(instant(event.recurrenceId, 'recurrence-id')));
      }
      if (component.getFirstPropertyValue('status') === 'CANCELLED') continue;
      const names = namesIn(component, who);
      const startMs = instant(event.startDate, 'dtstart');
      const lengthMs = instant(event.endDate, component.hasProperty('dtend') ? 'dtend' : 'dtstart') - startMs;
      if (isException(component) || !event.isRecurring()) {
        add(startMs, startMs + lengthMs, names);
        continue;
      }
      const occurrences = event.iterator();
      for (let at = occurrences.next(); at; at = occurrences.next()) {
        steps += 1;
        if (steps > CALENDAR_LIMITS.steps)
          throw new TooOften(`its events recur more than ${CALENDAR_LIMITS.steps} times`);
        const atMs = instant(at, 'dtstart');
        if (atMs >= toMs) break;
        if (replaced.get(event.uid)?.has(atMs) !== true) add(atMs, atMs + lengthMs, names);
      }
    } catch (error) {
      if (error instanceof TooOften) throw error;
      remarks.add(
        `an event is left out: it ${error instanceof Error ? error.message.slice(0, 200) : 'cannot be read'}`,
      );
    }
  }
  return { shifts: shifts.sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs), remarks: [...remarks] };
}

class TooOften extends Error {}

function parsed(text: string): ICAL.Component {
  try {
    const component = new ICAL.Component(ICAL.parse(text));
    if (component.name === 'vcalendar') return component;
  } catch {
    // Said below, in our words.
  }
  throw new Error('it is no iCalendar (RFC 5545)');
}

/** The moment of a time. A zone that this machine knows by name counts before one that the calendar defines under that name. */
function instantOf(
  time: ICAL.Time,
  component: ICAL.Component,
  property: string,
  fallback: string | undefined,
): number {
  if (time.zone === ICAL.Timezone.utcTimezone) return time.toUnixTime() * 1_000;
  const named = component.getFirstProperty(property)?.getFirstParameter('tzid');
  const zone = named ?? fallback;
  if (zone === undefined) throw new Error('has a time without a zone; set "zone"');
  const two = (part: number) => `${part}`.padStart(2, '0');
  const day = `${`${time.year}`.padStart(4, '0')}-${two(time.month)}-${two(time.day)}`;
  const clock = time.isDate ? '00:00:00' : `${two(time.hour)}:${two(time.minute)}:${two(time.second)}`;
  const read = readMoment(`${day}T${clock}[${zone}]`);
  if (read.ok) return read.atMs;
  if (time.zone !== ICAL.Timezone.localTimezone) return time.toUnixTime() * 1_000;
  throw new Error('has a time that its zone does not have, or has twice');
}

function namesIn(component: ICAL.Component, who: CalendarQuestion['who']): readonly string[] {
  const values =
    who === 'summary'
      ? [component.getFirstPropertyValue('summary')]
      : component.getAllProperties('attendee').map((one) => one.getFirstValue());
  if (values.length > MOST_ATTENDEES) throw new Error(`has more than ${MOST_ATTENDEES} attendees`);
  return values
    .flatMap((value) => (typeof value === 'string' ? [value.replace(/^mailto:/i, '').trim()] : []))
    .filter((name) => name !== '' && name.length <= LONGEST_NAME);
}
