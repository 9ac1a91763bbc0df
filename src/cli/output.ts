/** What a command came to. Lines are for people, `data` for machines (`--json`). */
export interface Outcome {
  /** 0 done, 1 refused or failed. Wrong usage ends with 2 before a command runs; `run` passes on what its command says. */
  readonly exitCode: number;
  readonly lines: readonly string[];
  readonly data: unknown;
  /** Why it could not be done: one line on stderr, and the member `error` of `data`. */
  readonly error?: Fault;
}

/** What went wrong, in the one shape in which `--json` has it: a code to match on, and a line to read. */
export interface Fault {
  readonly code: string;
  readonly message: string;
}

export const done = (data: unknown, ...lines: readonly string[]): Outcome => ({ exitCode: 0, lines, data });

/** What was refused, or was looked at and found wrong. Lines are the answer all the same, and go to stdout. */
export const failed = (error: Fault, data: object, ...lines: readonly string[]): Outcome => ({
  exitCode: 1,
  lines,
  data: { ...data, error },
  error,
});

/** Something that the user can mend. One line: what is wrong, where, and what to do next. */
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

/** Wrong usage: the command was not understood, and nothing was tried. */
export const usageError = (message: string): UserError => new UserError(message, 2);

/**
 * One line, whatever a foreign text holds: line breaks, tabs and other control characters become a mark, as do those that turn
 * the direction of writing. Nothing in a text can then pass for the line that follows it, or rewrite what a person reads.
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: replacing control characters is what it is for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '\ufffd');
}
