import type { Assessment } from '../domain/assessment';
import type { Recognition } from '../domain/event';
import type { Lease, LeaseEnding, ReviewDebt } from '../domain/lease';
import type { AskEnd, Precedents } from '../domain/precedents';
import type { Evidence } from '../domain/prove';
import type { Refusal, Result } from '../domain/refusal';
import type { AccessRequest, SignedEnvelope, Submission } from '../domain/request';
import type { StatementCheck } from '../domain/statement';

/** What came of reading, recognising and assessing a submission. */
export type AssessResult =
  | { readonly readable: false; readonly refusal: Refusal }
  | {
      readonly readable: true;
      readonly submission: Submission;
      readonly recognition?: Recognition;
      readonly assessment: Assessment;
      /** What policy was told of the past; absent where there was nothing to tell. */
      readonly precedents?: Precedents;
    };

/** What is owed for a grant goes with it, so that a request and the record of debts never differ about it. */
export type ProvisionResult =
  | { readonly outcome: 'granted'; readonly lease: Lease; readonly review?: ReviewDebt }
  /** It was given, nobody heard of it, and it has ended since. */
  | {
      readonly outcome: 'ended';
      readonly lease: Lease;
      readonly ending: LeaseEnding;
      readonly review?: ReviewDebt;
    }
  | { readonly outcome: 'refused'; readonly refusal: Refusal };

export interface EndAccessInput {
  readonly connector: string;
  readonly leaseId: string;
  readonly reason: 'expired' | 'revoked' | 'barred';
  /** How a request ended that gave no access. */
  readonly end?: AskEnd;
}

/** What there is to tell of a lease that was told to end: it had ended before, or a bar came upon it. */
export interface EndAccessResult {
  readonly lease: Lease;
  readonly ending: LeaseEnding;
}

/** What the workflow asks of the worker. Inputs are hostile to the activity: whoever reaches the server can send them. */
export interface Activities {
  /** Puts a policy enforcement point's signed report on record. Yields its id there, or the refusal. */
  reportDenial(envelope: unknown): Promise<Result<{ readonly id: string }>>;
  assess(submission: unknown, workflowId: string): Promise<AssessResult>;
  checkStatements(
    envelopes: readonly SignedEnvelope[],
    request: AccessRequest,
  ): Promise<readonly StatementCheck[]>;
  provision(evidence: Evidence): Promise<ProvisionResult>;
  endAccess(input: EndAccessInput): Promise<EndAccessResult | undefined>;
}
