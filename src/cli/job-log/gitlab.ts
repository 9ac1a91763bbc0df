import { printable } from '../output';

/** Erases to the end of the line. GitLab takes a section marker only between two of these. */
const ERASE = '\u001b[0K';
const NAME = 'countersign';

/**
 * Returns lines as a section of a GitLab job log, folded below its header. A line of others' words cannot end the section or begin
 * one: a marker needs control characters, and `printable` leaves none.
 */
export function section(header: string, lines: readonly string[], nowMs: number): readonly string[] {
  const second = Math.floor(nowMs / 1_000);
  return [
    `${ERASE}section_start:${second}:${NAME}[collapsed=true]\r${ERASE}${printable(header)}`,
    ...lines.map(printable),
    `${ERASE}section_end:${second}:${NAME}\r${ERASE}`,
  ];
}
