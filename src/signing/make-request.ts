import { randomUUID } from 'node:crypto';
import { parseDuration } from '../contracts/duration';
import { CountersignError } from '../contracts/error';
import { describeIssues } from '../contracts/problem';
import { newRequestSchema } from '../contracts/request';
import { type AccessRequest, type Entitlement, parseEntitlement } from '../domain/request';

/** What a requester must choose. All other members have a default, and can be set too. */
export interface RequestDraft extends Partial<Omit<AccessRequest, 'entitlement' | 'durationMs'>> {
  readonly requester: string;
  /** The object, or `connector:resource#action`. */
  readonly entitlement: Entitlement | string;
  /** How long, such as `15m`, `4h` or `1h30m`. */
  readonly duration: string;
  /** Why, in one line. Approvers read it. */
  readonly reason: string;
}

/**
 * Completes a request with defaults: a new id, the requester as beneficiary, and now as its time. The kind is `execution` if
 * there are `parameters`, otherwise `access`. It is an emergency if it names a condition.
 *
 * @throws CountersignError `INVALID_REQUEST`, naming the member that is wrong
 */
export function makeRequest({ entitlement: asked, duration, ...rest }: RequestDraft): AccessRequest {
  const entitlement = typeof asked === 'string' ? parseEntitlement(asked) : asked;
  if (entitlement === undefined)
    throw invalid(`entitlement: ${JSON.stringify(asked)} is not of the form connector:resource#action`);
  const durationMs = parseDuration(duration);
  if (durationMs === undefined)
    throw invalid(
      `duration: ${JSON.stringify(duration)} is not a duration; write it like 90s, 15m, 4h or 1h30m`,
    );
  const request = newRequestSchema.safeParse({
    id: randomUUID(),
    kind: rest.parameters === undefined ? 'access' : 'execution',
    beneficiary: rest.requester,
    emergency: rest.emergencyCondition !== undefined,
    onBehalfOf: [],
    submittedAtMs: Date.now(),
    ...rest,
    entitlement,
    durationMs,
  });
  if (!request.success) throw invalid(describeIssues(request.error, 'request'));
  return request.data;
}

const invalid = (detail: string) => new CountersignError('INVALID_REQUEST', detail);
