import type { Digest } from '../domain/digest';
import type { Ledger } from '../domain/precedents';
import { isHuman } from '../domain/principal';
import type { VerifiedStatement } from '../domain/statement';

/**
 * Takes a debt off the record where an independent reviewer's own statement says so. Judged here by what was recorded
 * when access was given, whatever a workflow believes: a debt that is owed keeps people from the next emergency.
 */
export async function dischargeReview(
  { statement, signer }: VerifiedStatement,
  digest: Digest,
  ledger: Ledger,
  nowMs: number,
): Promise<void> {
  const { verdict } = statement;
  if (verdict === undefined || statement.digest !== digest || statement.expiresAtMs <= nowMs) return;
  if (!isHuman(signer) || !signer.active) return;
  const grant = await ledger.grantOf(digest);
  if (grant === undefined || !grant.reviewers.includes(signer.id)) return;
  if (grant.parties.includes(signer.id) || grant.participants.includes(signer.id)) return;
  await ledger.reviewed(digest, signer.id, verdict, nowMs);
}
