import { z } from 'zod';
import { isDeeperThan } from '../contracts/depth';
import { eventsSchema } from '../contracts/event';
import { workflowIdOf } from '../contracts/names';
import { describeIssues } from '../contracts/problem';
import { submissionSchema } from '../contracts/request';
import { checkCarriedLog, type LeaseOnTarget } from '../domain/carried-log';
import { LIMITS } from '../domain/limits';
import type { Refusal } from '../domain/refusal';
import type { AccessRequest } from '../domain/request';
import type { Dependencies } from './dependencies';
import type { Activities } from './types';

/** A request in a submission, in an event, in the list of events; and some for what an assessment nests. */
const CARRIED_LEVELS = LIMITS.requestLevels + 8;

const carriedSchema = z.strictObject({
  events: eventsSchema.min(1),
  uncountedRefusals: z.number().int().min(0),
});

/**
 * Checks what a run of the workflow claims to have taken over from an earlier one. Returns undefined if all of it can be
 * derived again, and otherwise the refusal. Throws, to be tried again, if the target cannot be reached.
 */
export function checkCarriedLogActivity(dependencies: Dependencies): Activities['checkCarriedLog'] {
  return async (rawSubmission, rawCarried, workflowId) => {
    // Canonical JSON is made by recursion, which a stranger must not be able to run deep.
    if (isDeeperThan(rawSubmission, LIMITS.requestLevels) || isDeeperThan(rawCarried, CARRIED_LEVELS))
      return { code: 'TOO_LARGE', detail: 'the log of an earlier run is nested too deep' };
    const submission = submissionSchema.safeParse(rawSubmission);
    if (!submission.success) return malformed(describeIssues(submission.error, 'submission'));
    const carried = carriedSchema.safeParse(rawCarried);
    if (!carried.success) return malformed(describeIssues(carried.error, 'the log of an earlier run'));
    const { request } = submission.data;
    if (workflowIdOf(request.id) !== workflowId)
      return { code: 'DIGEST_MISMATCH', detail: `submitted as ${workflowId}, signed as ${request.id}` };
    const { directory, policy } = await dependencies.authority();
    const checked = await checkCarriedLog(
      carried.data.events,
      submission.data,
      dependencies.nowMs(),
      directory,
      policy,
      () => leaseOnTarget(request, dependencies),
    );
    return checked.ok ? undefined : checked.refusal;
  };
}

const malformed = (detail: string): Refusal => ({ code: 'MALFORMED', detail });

async function leaseOnTarget(
  { id, entitlement }: AccessRequest,
  { connector }: Dependencies,
): Promise<LeaseOnTarget | undefined> {
  const target = connector(entitlement.connector);
  for (const scope of ['alive', 'all'] as const) {
    const record = (await target?.list(scope))?.leases.find((lease) => lease.id === id);
    if (record === undefined) continue;
    const { account, grantedAtMs, expiresAtMs, requestDigest } = record;
    return { lease: { id, account, grantedAtMs, expiresAtMs }, requestDigest };
  }
  return undefined;
}
