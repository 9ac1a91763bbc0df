import { accessRequestSchema } from '../contracts/request';
import { requestDigest } from '../domain/digest';
import { AnswerAway, checkStatement } from '../domain/ports';
import type { Refusal } from '../domain/refusal';
import type { AccessRequest } from '../domain/request';
import type { StatementCheck } from '../domain/statement';
import { refuseUnreasoned } from '../domain/verbs/deny';
import { refuseCountedBack } from '../signing/signature-count';
import type { Dependencies } from './dependencies';
import { dischargeReview } from './discharge-review';
import { refusedAsCopy } from './signature-counts';
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
          .then((check) => refuseCopy(check, dependencies))
          .then((check) => recordReview(check, request, dependencies))
          .catch(uncheckable),
      ),
    );
  };
}

/** The answer if a check throws: one bad statement must not keep the others of its batch from being judged. */
const uncheckable = (error: unknown): StatementCheck => {
  const why = error instanceof AnswerAway ? error.message : 'it could not be checked';
  return {
    verified: false,
    attempt: { refusal: { code: 'NOT_NOW', detail: `${why}; send it again later` } },
  };
};

/** The count of a passkey's signature is recorded before the signature counts, so that of two copies one is refused. */
async function refuseCopy(check: StatementCheck, { ledger, nowMs }: Dependencies): Promise<StatementCheck> {
  if (!check.verified) return check;
  const { envelope, statement } = check.facts;
  try {
    const refusal = await refuseCountedBack(envelope, ledger, nowMs());
    return refusal === undefined ? check : refusedAsCopy(check);
  } catch {
    const refusal: Refusal = {
      code: 'NOT_NOW',
      detail: 'the record of signature counters cannot be reached; sign again later',
    };
    const { verb: claimedVerb, iss: claimedIssuer, jti: claimedId } = statement;
    return { verified: false, attempt: { refusal, claimedVerb, claimedIssuer, claimedId } };
  }
}

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
