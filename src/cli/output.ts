import { withMarks } from '../domain/characters';

/** The result of a command. Lines are for people, `data` is for machines (`--json`). */
export interface CommandResult {
  /** 0 done, 1 refused or failed. Wrong usage ends with 2 before a command runs; `run` passes on what its command says. */
  readonly exitCode: number;
  readonly lines: readonly string[];
  readonly data: unknown;
  /** Why the command failed: one line on stderr, and the member `error` of `data`. */
  readonly error?: Fault;
}

/** What went wrong, in the shape that `--json` prints: a code to match on, and a line to read. */
export interface Fault {
  readonly code: string;
  readonly message: string;
}

export const done = (data: unknown, ...lines: readonly string[]): CommandResult => ({
  exitCode: 0,
  lines,
  data,
});

/** The result of something that was refused, or of a check that found a problem. Its lines still go to stdout. */
export const failed = (error: Fault, data: object, ...lines: readonly string[]): CommandResult => ({
  exitCode: 1,
  lines,
  data: { ...data, error },
  error,
});

/** A problem that the user can fix. One line: what is wrong, where, and what to do next. */
export class UserError extends Error {
  override readonly name = 'UserError';

  constructor(
    message: string,
    readonly exitCode: 1 | 2 = 1,
    readonly code = exitCode === 2 ? 'USAGE' : 'FAILED',
  ) {
    super(message);
  }
}

/** Wrong usage: nothing was tried. */
export const usageError = (message: string): UserError => new UserError(message, 2);

/**
 * Makes one line of a text that somebody else wrote: line breaks, tabs, other control characters, those that change the
 * direction of writing and those that nobody can see become a mark. So nothing in the text can look like a line of ours, or
 * change what a person reads.
 */
export const printable = withMarks;
