import { isDeeperThan } from '../contracts/depth';
import { workflowIdOf } from '../contracts/names';
import { describeIssues } from '../contracts/problem';
import { newSubmissionSchema, type submissionSchema } from '../contracts/request';
import type { Assessment, ReasonCode } from '../domain/assessment';
import { requestDigest } from '../domain/digest';
import { LIMITS } from '../domain/limits';
import type { Authority } from '../domain/ports';
import type { Refusal } from '../domain/refusal';
import type { AccessRequest } from '../domain/request';
import { refuseCountedBack } from '../signing/signature-count';
import { refusalOf } from './alert';
import type { Dependencies } from './dependencies';
import type { Activities, AssessResult } from './types';

/**
 * Reads a submission, recognises its requester, and asks policy. The two are separate: being recognised gives a requester
 * nothing, and a requester who is not recognised is refused whatever policy says.
 *
 * @param schema what a submission may be; an auditor passes the rules of the time when it was recorded
 */
export function assessActivity(
  dependencies: Dependencies,
  schema: typeof submissionSchema = newSubmissionSchema,
): Activities['assess'] {
  return async (raw, workflowId): Promise<AssessResult> => {
    if (isDeeperThan(raw, LIMITS.requestLevels))
      return unreadable({
        code: 'TOO_LARGE',
        detail: `a submission may be nested ${LIMITS.requestLevels} levels deep`,
      });
    const size = JSON.stringify(raw)?.length ?? 0;
    if (size > LIMITS.requestBytes)
      return unreadable({
        code: 'TOO_LARGE',
        detail: `a submission may have ${LIMITS.requestBytes} characters`,
      });
    const decoded = schema.safeParse(raw);
    if (!decoded.success)
      return unreadable({ code: 'MALFORMED', detail: describeIssues(decoded.error, 'submission') });
    const submission = decoded.data;
    const { request } = submission;
    if (workflowIdOf(request.id) !== workflowId)
      return unreadable({
        code: 'DIGEST_MISMATCH',
        detail: `submitted as ${workflowId}, signed as ${request.id}`,
      });

    const nowMs = dependencies.nowMs();
    const authority = await dependencies.authority();
    const recognition = await authority.directory.authenticateSubmission(submission, nowMs);
    if (!recognition.ok) {
      const reasonCode =
        recognition.refusal.code === 'DISABLED_IDENTITY' ? 'INACTIVE_IDENTITY' : 'BAD_SUBMISSION';
      const assessment = refusal(request, reasonCode, recognition.refusal.detail, authority, nowMs);
      return { readable: true, submission, assessment };
    }
    try {
      const copied = await refuseCountedBack(submission.proof, dependencies.ledger, nowMs);
      if (copied !== undefined)
        return {
          ...{ readable: true, submission },
          assessment: refusal(request, 'BAD_SUBMISSION', copied.detail, authority, nowMs),
        };
      const findings = await authority.policy.assessOnRecord(request, nowMs);
      await dependencies.ledger.assessed(requestDigest(request), findings.assessment);
      return { readable: true, submission, recognition: recognition.value, ...findings };
    } catch (error) {
      // Without this, a ledger that is set up wrongly looks like one that is down, and the request waits for ever.
      return unreadable(refusalOf(error, 'the ledger', { request: request.id }));
    }
  };
}

const unreadable = (refusal: Refusal): AssessResult => ({ readable: false, refusal });

function refusal(
  request: AccessRequest,
  reasonCode: ReasonCode,
  explanation: string,
  { directory, policy }: Authority,
  nowMs: number,
): Assessment {
  return {
    outcome: 'refuse',
    reasonCodes: [reasonCode],
    explanation,
    maxDurationMs: 0,
    reviewers: [],
    privileged: false,
    parties: [{ id: request.requester, relation: 'requester' }],
    determiningPolicies: [],
    policyDigest: policy.digest,
    directoryDigest: directory.digest,
    engineVersion: 'none',
    facts: {},
    assessedAtMs: nowMs,
  };
}
