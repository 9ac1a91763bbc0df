import type { Assessment } from '../domain/assessment';
import type { Recognition } from '../domain/event';
import type { Evidence } from '../domain/evidence';
import type { Lease, LeaseEnding, ReviewDebt } from '../domain/lease';
import type { AskEnd, Precedents } from '../domain/precedents';
import type { Refusal, Result } from '../domain/refusal';
import type { AccessRequest, SignedEnvelope, Submission } from '../domain/request';
import type { StatementCheck } from '../domain/statement';

/** The result of reading, recognising and assessing a submission. */
export type AssessResult =
  | { readonly readable: false; readonly refusal: Refusal }
  | {
      readonly readable: true;
      readonly submission: Submission;
      readonly recognition?: Recognition;
      readonly assessment: Assessment;
      /** What the ledger told policy about the past; absent if it told nothing. */
      readonly precedents?: Precedents;
    };

/** The review owed for a grant comes with it, so that the request and the ledger never differ about it. */
export type ProvisionResult =
  | { readonly outcome: 'granted'; readonly lease: Lease; readonly review?: ReviewDebt }
  /** Access was given, the answer was lost, and the access has ended since. */
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
  /** How the request ended, if it gave no access. */
  readonly end?: AskEnd;
}

/** How a lease ended other than by this order: it had ended before, or a bar ended it. */
export interface EndAccessResult {
  readonly lease: Lease;
  readonly ending: LeaseEnding;
}

/** What the workflow asks of the worker. Inputs are hostile to an activity: anyone who reaches the server can send them. */
export interface Activities {
  /** Records a policy enforcement point's signed report. Returns its id there, or the refusal. */
  reportDenial(envelope: unknown): Promise<Result<{ readonly id: string }>>;
  /** Reads, recognises and assesses a submission to the workflow of that id. */
  assess(submission: unknown, workflowId: string): Promise<AssessResult>;
  /** Verifies statements about a request. Returns one check for each, in the same order. */
  checkStatements(
    envelopes: readonly SignedEnvelope[],
    request: AccessRequest,
  ): Promise<readonly StatementCheck[]>;
  /** Checks a log that a run claims to have taken over from an earlier one. Returns the refusal if it does not hold. */
  checkCarriedLog(submission: unknown, carried: unknown, workflowId: string): Promise<Refusal | undefined>;
  /** Proves the evidence again and gives access on the target, or refuses. */
  provision(evidence: Evidence): Promise<ProvisionResult>;
  /** Ends a lease or bars it. Returns how it ended, if not by this order. */
  endAccess(input: EndAccessInput): Promise<EndAccessResult | undefined>;
}
