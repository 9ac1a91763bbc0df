/** The checks of evidence, in the order in which they are made. */
export const CHECKS = {
  form: 'the file is exactly its own canonical JSON',
  seal: 'nothing was changed after the file was sealed',
  chain: 'the hash of each event covers the one before it',
  versions: 'policy has the digest that assessments name, and the directory can be read',
  decisions: 'deciding the commands again gives the same events',
  assessment: 'assessing the submission again gives the same result',
  statements: 'verifying every statement again, refused ones too, gives the same result',
  duties: 'duties were separate, by an independent check',
  history: "replaying Temporal's history on today's code gives the same steps",
  policy: 'every version of policy in it is one that you supplied',
  directory: 'every version of the directory in it is one that you supplied, with the same content',
  log: 'the log contains exactly this file',
} as const;
export type Check = keyof typeof CHECKS;

/** Something that a check found wrong: which check, where in the file, and what. */
export interface Finding {
  readonly check: Check;
  /** A path into the file, such as `steps[3].events[0].hash`. */
  readonly where: string;
  readonly message: string;
}

export const finding = (check: Check, where: string, message: string): Finding => ({ check, where, message });
