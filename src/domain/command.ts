import type { Assessment } from './assessment';
import type { Recognition } from './event';
import type { HeldLease, Lease, LeaseEnd, LeaseEnding, ReviewDebt } from './lease';
import type { Precedents } from './precedents';
import type { Refusal } from './refusal';
import type { Submission } from './request';
import type { StatementCheck } from './statement';

/** What the outside tells the core. Each carries the moment it happened. */
export type Command = { readonly atMs: number } & (
  | { readonly type: 'submit'; readonly submission: Submission }
  | { readonly type: 'reject_submission'; readonly refusal: Refusal }
  | {
      readonly type: 'record_assessment';
      readonly assessment: Assessment;
      readonly recognition?: Recognition;
      /** What policy was told of the past, for whoever asks it again; nothing is decided by it here. */
      readonly precedents?: Precedents;
    }
  | { readonly type: 'consider'; readonly check: StatementCheck }
  | { readonly type: 'record_dropped'; readonly count: number }
  | { readonly type: 'tick' }
  | {
      readonly type: 'record_grant';
      readonly lease: Lease;
      /** Present where the lease had ended before anybody heard that it was given. */
      readonly end?: LeaseEnd;
      /** What is owed for it, as it is on record beside the target. */
      readonly review?: ReviewDebt;
    }
  | { readonly type: 'record_provisioning_refusal'; readonly refusal: Refusal }
  | {
      readonly type: 'record_access_ended';
      /** Present where the lease had ended before it was told to. */
      readonly ending?: LeaseEnding;
    }
  | {
      readonly type: 'record_barred';
      /** Present where the bar came upon a lease that had been given. */
      readonly held?: HeldLease;
    }
);
