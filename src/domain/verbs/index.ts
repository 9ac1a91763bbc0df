import type { Verb } from '../statement';
import { approve } from './approve';
import { cancel } from './cancel';
import { confirm } from './confirm';
import { deny } from './deny';
import type { VerbDescriptor } from './descriptor';
import { endorse } from './endorse';
import { report } from './report';
import { reroute } from './reroute';
import { review } from './review';
import { revoke } from './revoke';
import { withdraw } from './withdraw';

/** The descriptor of each verb. */
export const VERB_DESCRIPTORS: Readonly<Record<Verb, VerbDescriptor>> = {
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
