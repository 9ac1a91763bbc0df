import type { Evidence } from '../domain/evidence';
import type { Ledger } from '../domain/precedents';
import type { Refusal } from '../domain/refusal';
import type { SignedEnvelope } from '../domain/request';
import { countedBack } from '../domain/signature-count';
import type { StatementCheck } from '../domain/statement';
import { signatureCountOf } from '../signing/signature-count';

/** Returns the check of a statement whose passkey's counter went back. What was refused before stays as it is. */
export function refusedAsCopy(check: StatementCheck): StatementCheck {
  const count = check.verified ? signatureCountOf(check.facts.envelope) : undefined;
  if (!check.verified || count === undefined) return check;
  const { verb, iss, jti } = check.facts.statement;
  const refusal = countedBack(count);
  return { verified: false, attempt: { refusal, claimedVerb: verb, claimedIssuer: iss, claimedId: jti } };
}

/** Whether a signature was refused because of its count. An auditor cannot repeat that: it compares with all else that the passkey signed. */
export function isCountedBack(detail: string, envelope: SignedEnvelope): boolean {
  const count = signatureCountOf(envelope);
  return count !== undefined && detail === countedBack(count).detail;
}

/**
 * The same for all signatures that a grant rests on, at the act. Each was on record when it was taken in, unless a forged workflow never
 * asked; here only a count that another signature used is refused, because what was taken in long ago may be behind by now.
 *
 * @throws if the ledger cannot be reached
 */
export async function refuseCopies(
  { submission, statements }: Evidence,
  ledger: Pick<Ledger, 'signed'>,
  nowMs: number,
): Promise<Refusal | undefined> {
  for (const envelope of [submission.proof, ...statements.map((one) => one.envelope)]) {
    const count = signatureCountOf(envelope);
    if (count === undefined || count.count === 0) continue;
    if (!(await ledger.signed(count, nowMs, 'long ago'))) return countedBack(count);
  }
  return undefined;
}
