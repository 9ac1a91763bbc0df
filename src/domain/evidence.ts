import type { Assessment } from './assessment';
import type { Submission } from './request';
import type { KeptStatement } from './statement';

/** Everything that a grant rests on. It travels through untrusted hands, and is believed only as far as it proves. */
export interface Evidence {
  readonly submission: Submission;
  readonly assessment: Assessment;
  readonly statements: readonly KeptStatement[];
}
