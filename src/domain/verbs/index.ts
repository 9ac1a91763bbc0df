import type { Verb } from '../statement';
import { approve } from './approve';
import { cancel } from './cancel';
import { confirm } from './confirm';
import { deny } from './deny';
import { endorse } from './endorse';
import { report } from './report';
import { reroute } from './reroute';
import { review } from './review';
import { revoke } from './revoke';
import type { VerbRule } from './verb-rule';
import { withdraw } from './withdraw';

/** One rule a verb. A verb that is not here does not exist. */
export const VERB_RULES: Readonly<Record<Verb, VerbRule>> = {
  approve,
  deny,
  confirm,
  reroute,
  endorse,
  cancel,
  withdraw,
  revoke,
  review,
  report,
};
