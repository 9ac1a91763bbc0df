import type { Assessment } from './assessment';
import type { Recognition } from './event';
import type { Lease } from './lease';
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
    }
  | { readonly type: 'consider'; readonly check: StatementCheck }
  | { readonly type: 'record_dropped'; readonly count: number }
  | { readonly type: 'tick' }
  | { readonly type: 'record_grant'; readonly lease: Lease }
  | { readonly type: 'record_provisioning_refusal'; readonly refusal: Refusal }
  | { readonly type: 'record_access_ended' }
  | { readonly type: 'record_barred' }
);
