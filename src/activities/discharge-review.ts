import type { Digest } from '../domain/digest';
import { LIMITS } from '../domain/limits';
import type { Ledger } from '../domain/precedents';
import { isHuman } from '../domain/principal';
import type { Statement, VerifiedStatement } from '../domain/statement';

/**
 * Discharges an owed review if an independent reviewer's own statement says so; does nothing otherwise. It checks against
 * what was recorded when access was given, whatever a workflow believes, because an owed review bars the next emergency.
 */
export async function dischargeReview(
  { statement, signer }: VerifiedStatement,
  digest: Digest,
  ledger: Ledger,
  nowMs: number,
): Promise<void> {
  const { verdict } = statement;
  if (verdict === undefined || statement.digest !== digest || !isAlive(statement, nowMs)) return;
  if (!isHuman(signer) || !signer.active) return;
  const grant = await ledger.grantOf(digest);
  if (grant === undefined || !grant.reviewers.includes(signer.id)) return;
  if (grant.parties.includes(signer.id) || grant.participants.includes(signer.id)) return;
  await ledger.reviewed(digest, signer.id, verdict, nowMs);
}

/** The same times that the core checks for every statement. */
const isAlive = ({ issuedAtMs, expiresAtMs }: Statement, nowMs: number): boolean =>
  nowMs < expiresAtMs &&
  issuedAtMs <= nowMs + LIMITS.clockSkewMs &&
  expiresAtMs - issuedAtMs <= LIMITS.statementLifeMs;
