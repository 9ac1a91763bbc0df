import { formatDuration } from '../../contracts/duration';
import type { Assessment } from '../../domain/assessment';
import { entitlementName } from '../../domain/request';
import type { BundlePolicy } from '../bundle';
import { pastOnRecord, type RecordedRequest } from './recorded-past';

/** A request that another bundle would have decided differently. */
export interface Difference {
  readonly request: string;
  readonly about: string;
  readonly before: string;
  readonly after: string;
}

/** Returns the requests that a bundle would have decided differently. Each is assessed as of its own time and precedents. */
export function preview(policy: BundlePolicy, recorded: readonly RecordedRequest[]): readonly Difference[] {
  const known = new Map(recorded.map((one) => [one.request.id, one]));
  return recorded.flatMap(({ request, assessment }) => {
    const past = pastOnRecord({ request, assessment }, known);
    const [before, after] = [assessment, policy.assess(request, assessment.assessedAtMs, past)].map(gist);
    if (before === undefined || after === undefined || before === after) return [];
    const about = `${entitlementName(request.entitlement)} for ${request.beneficiary}, asked by ${request.requester}`;
    return [{ request: request.id, about, before, after }];
  });
}

/** Summarises an assessment in one line. */
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
