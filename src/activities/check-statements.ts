import { accessRequestSchema } from '../contracts/request';
import { requestDigest } from '../domain/digest';
import { checkStatement } from '../domain/ports';
import type { Refusal } from '../domain/refusal';
import type { AccessRequest } from '../domain/request';
import type { StatementCheck } from '../domain/statement';
import { refuseUnreasoned } from '../domain/verbs/deny';
import type { Dependencies } from './dependencies';
import { dischargeReview } from './discharge-review';
import type { Activities } from './types';

/** Verifies signatures, and looks up what the core needs to judge, in today's directory and policy. */
export function checkStatementsActivity(dependencies: Dependencies): Activities['checkStatements'] {
  return async (envelopes, rawRequest) => {
    const request = accessRequestSchema.parse(rawRequest);
    const { directory, policy } = await dependencies.authority();
    const nowMs = dependencies.nowMs();
    return Promise.all(
      envelopes.map((envelope) =>
        checkStatement(envelope, request, nowMs, directory, policy)
          .then(refuseUnreasoned)
          .then((check) => recordReview(check, request, dependencies))
          .catch(uncheckable),
      ),
    );
  };
}

/** The answer if a check throws: one bad statement must not keep the others of its batch from being judged. */
const uncheckable = (): StatementCheck => ({
  verified: false,
  attempt: { refusal: { code: 'NOT_NOW', detail: 'it could not be checked; send it again later' } },
});

/**
 * A review discharges a debt that is recorded outside Temporal, so it is recorded there before it counts here. If the
 * ledger cannot be reached, the review is refused and has to be sent again, because it must never count in one place only.
 */
async function recordReview(
  check: StatementCheck,
  request: AccessRequest,
  { ledger, nowMs }: Dependencies,
): Promise<StatementCheck> {
  if (!check.verified || check.facts.statement.verb !== 'review') return check;
  try {
    await dischargeReview(check.facts, requestDigest(request), ledger, nowMs());
    return check;
  } catch {
    const refusal: Refusal = {
      code: 'NOT_NOW',
      detail: 'the record of reviews cannot be reached; review again',
    };
    const { iss, jti } = check.facts.statement;
    const attempt = { refusal, claimedVerb: 'review' as const, claimedIssuer: iss, claimedId: jti };
    return { verified: false, attempt };
  }
}
