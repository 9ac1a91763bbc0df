import type { Assessment } from './assessment';
import type { Recognition } from './event';
import type { HeldLease, Lease, LeaseEnd, LeaseEnding, ReviewDebt } from './lease';
import type { Precedents } from './precedents';
import type { Refusal } from './refusal';
import type { Submission } from './request';
import type { StatementCheck } from './statement';

/** What happens outside the core, as the core learns it. Each command carries the moment it happened. */
export type Command = { readonly atMs: number } & (
  | { readonly type: 'submit'; readonly submission: Submission }
  | { readonly type: 'reject_submission'; readonly refusal: Refusal }
  | {
      readonly type: 'record_assessment';
      readonly assessment: Assessment;
      readonly recognition?: Recognition;
      /** The precedents that policy was given, so that an audit can ask it again. The core decides nothing by them. */
      readonly precedents?: Precedents;
    }
  | { readonly type: 'consider'; readonly check: StatementCheck }
  | { readonly type: 'record_dropped'; readonly count: number }
  | { readonly type: 'tick' }
  | {
      readonly type: 'record_grant';
      readonly lease: Lease;
      /** Present if the lease had already ended when the answer arrived. */
      readonly end?: LeaseEnd;
      /** The review that is owed, by the record beside the target. */
      readonly review?: ReviewDebt;
    }
  | { readonly type: 'record_provisioning_refusal'; readonly refusal: Refusal }
  | {
      readonly type: 'record_access_ended';
      /** Present if the lease had ended before the request ended it. */
      readonly ending?: LeaseEnding;
    }
  | {
      readonly type: 'record_barred';
      /** Present if the bar found a lease that had been given. */
      readonly held?: HeldLease;
    }
);
