/** The checks of evidence, in the order in which they are made. */
export const CHECKS = {
  form: 'every byte is accounted for: the file is its own canonical JSON',
  seal: 'nothing was changed since it was sealed',
  chain: 'every event follows the one before it',
  books: 'policy has the digest that assessments name, and the directory can be read',
  course: 'the commands, decided again, lead to the same events',
  assessment: 'the submission, read and assessed again, comes out the same',
  statements: 'every statement, verified again, comes out the same, refused ones too',
  duties: 'duties were separate, by a reckoning of its own',
  history: "Temporal's history, replayed on today's code, takes the same steps",
  policy: 'every version of policy in it is a given one',
  directory: 'every version of the directory in it is a given one, and was asked the same',
  log: 'the log holds it',
} as const;
export type Check = keyof typeof CHECKS;

/** Something that does not hold: which check found it, where in the file, and what it is. */
export interface Finding {
  readonly check: Check;
  /** A path into the file, such as `steps[3].events[0].hash`. */
  readonly where: string;
  readonly message: string;
}

export const finding = (check: Check, where: string, message: string): Finding => ({ check, where, message });
