import type { Assessment } from './assessment';
import type { Digest } from './digest';
import type { Recognition } from './event';
import type { Result } from './refusal';
import type { AccessRequest, SignedEnvelope, Submission } from './request';
import type { RerouteCheck, Statement, StatementCheck } from './statement';

/** People, identities, roles and keys as they are at one moment. Supplied from outside the core. */
export interface KeyDirectory {
  readonly digest: Digest;
  /** Whether the requester's registered key signed exactly this submission. */
  authenticateSubmission(submission: Submission, atMs: number): Promise<Result<Recognition>>;
  /** Whether a registered key signed this statement, and who its signer is at `atMs`. Judges nothing else. */
  authenticateStatement(envelope: SignedEnvelope, atMs: number): Promise<StatementCheck>;
}

/** Thrown where the answer to a question of policy is kept elsewhere, and nobody there can be asked now. It is never a yes, and no lasting no. */
export class AnswerAway extends Error {
  override readonly name: string = 'AnswerAway';
}

/** The policy decision point: one bundle of policy with the directory it is evaluated over. */
export interface Policy {
  readonly digest: Digest;
  /** What policy says of the request at `atMs`. Total: what it does not know it refuses. */
  assess(request: AccessRequest, atMs: number): Assessment | Promise<Assessment>;
  /**
   * What current policy says of a reroute that a statement asks for.
   *
   * @throws AnswerAway if the system that has its ticket gives no answer
   */
  checkReroute(statement: Statement, request: AccessRequest, atMs: number): Promise<RerouteCheck>;
}

/** The directory and policy of one moment. */
export interface Authority {
  readonly directory: KeyDirectory;
  readonly policy: Policy;
}

/** Verifies a statement and gathers what `decide` needs to judge it, by today's directory and policy. */
export async function checkStatement(
  envelope: SignedEnvelope,
  request: AccessRequest,
  atMs: number,
  directory: KeyDirectory,
  policy: Policy,
): Promise<StatementCheck> {
  const check = await directory.authenticateStatement(envelope, atMs);
  if (!check.verified || check.facts.statement.verb !== 'reroute') return check;
  const reroute = await policy.checkReroute(check.facts.statement, request, atMs);
  return { verified: true, facts: { ...check.facts, reroute } };
}
