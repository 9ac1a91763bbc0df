import type { Assessment } from '../domain/assessment';
import { type AccessRequest, entitlementName } from '../domain/request';
import type { BundlePolicy } from './bundle';
import { formatDuration } from './duration';

/** A request and what was decided on it when it was made. */
export interface RecordedRequest {
  readonly request: AccessRequest;
  readonly assessment: Assessment;
}

/** A request on which another bundle would have decided otherwise. */
export interface Difference {
  readonly request: string;
  readonly about: string;
  readonly before: string;
  readonly after: string;
}

/** What a bundle would have decided otherwise, had it been in force. Each request is judged as of its own time. */
export function preview(policy: BundlePolicy, recorded: readonly RecordedRequest[]): readonly Difference[] {
  return recorded.flatMap(({ request, assessment }) => {
    const [before, after] = [assessment, policy.assess(request, assessment.assessedAtMs)].map(gist);
    if (before === undefined || after === undefined || before === after) return [];
    const about = `${entitlementName(request.entitlement)} for ${request.beneficiary}, asked by ${request.requester}`;
    return [{ request: request.id, about, before, after }];
  });
}

/** What matters of an assessment to the people it concerns, in one line. */
function gist({
  outcome,
  reasonCodes,
  path,
  maxDurationMs,
  confirmation,
  reviewWithinMs,
}: Assessment): string {
  if (outcome === 'hard_stop' || outcome === 'refuse') return `${outcome} (${reasonCodes.join(', ')})`;
  const stages = path?.stages.map(
    ({ name, quorum, eligible, assurance }) => `${name}: ${quorum} of ${eligible.join(', ')} by ${assurance}`,
  );
  const parts = [
    outcome,
    ...(stages ?? []),
    ...(confirmation === undefined ? [] : [`confirmed by ${confirmation.by.join(', ')}`]),
    `${formatDuration(maxDurationMs)} at most`,
    ...(reviewWithinMs === undefined ? [] : [`reviewed within ${formatDuration(reviewWithinMs)}`]),
  ];
  return parts.join('; ');
}
