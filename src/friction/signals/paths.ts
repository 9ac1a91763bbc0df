import { share } from '../figures';
import { saySpan } from '../say';
import { NO_PATH, POLICY_ALONE } from '../timeline';
import { type Finding, type Material, percent, plural, THRESHOLDS } from './finding';
import { autoApproval } from './policy-change';

/** People approve every time. Asking them adds waiting, and teaches them not to look. */
export function* autoApprovalCandidates({ tally }: Material): Generator<Finding> {
  for (const [, candidate] of tally.entitlementPaths.named()) {
    const ordinary = candidate.requests - candidate.exceptional;
    const byPeople = candidate.path !== POLICY_ALONE && candidate.path !== NO_PATH;
    if (!byPeople || candidate.privileged || candidate.exactActions) continue;
    if (ordinary < THRESHOLDS.candidateRequests || candidate.doubts > 0 || candidate.granted < ordinary)
      continue;
    const change = autoApproval(candidate);
    if (change === undefined) continue;
    const waited = candidate.decision.quantile(0.5) ?? 0;
    yield {
      signal: 'auto-approval-candidate',
      subject: `${candidate.entitlement} by ${candidate.path}`,
      summary: `people granted all ${ordinary} requests for ${candidate.entitlement}, after ${saySpan(waited)} at the median`,
      evidence: {
        requests: ordinary,
        granted: candidate.granted,
        'requests in doubt': candidate.doubts,
        'approvals given': candidate.approvals,
        'waiting, median': saySpan(waited),
        'waiting, all together': saySpan(candidate.decision.totalMs),
        'longest grant': saySpan(candidate.longestMs),
        identities: candidate.beneficiaries.size,
      },
      proposal:
        'Let policy alone grant it to the identities seen here, for durations up to the longest seen here. Everything else still goes to people.',
      change,
    };
  }
}

/** One of several people decides nearly everything, and requests wait for that person. */
export function* approverBottlenecks({ tally }: Material): Generator<Finding> {
  for (const [, stage] of tally.stages.named()) {
    const first = stage.busiest();
    if (first === undefined || stage.decisions < THRESHOLDS.bottleneckDecisions) continue;
    const reminded = share(stage.reminded, stage.opened);
    if (first.share < THRESHOLDS.bottleneckShare || reminded < THRESHOLDS.bottleneckReminded) continue;
    const others = stage.eligible.size - 1;
    const [p50, p90] = [stage.waiting.quantile(0.5) ?? 0, stage.waiting.quantile(0.9) ?? 0];
    yield {
      signal: 'approver-bottleneck',
      subject: `${stage.path}, stage ${stage.stage}`,
      summary: `${first.person} takes part in ${percent(first.share)} of the decisions, and ${percent(reminded)} of them need a reminder`,
      evidence: {
        person: first.person,
        decisions: first.decisions,
        'decisions of all': stage.decisions,
        'others who could': others,
        reminded: stage.reminded,
        escalated: stage.escalated,
        lapsed: stage.lapsed,
        'waiting, median': saySpan(p50),
        'waiting, 90 %': saySpan(p90),
      },
      proposal:
        others <= 0
          ? `Nobody else can decide this stage: add people to its groups, or name a delegate for ${first.person}.`
          : `${plural(others, 'other person')} could decide and rarely do: agree on a rota, remove those who never answer, or add people who do.`,
    };
  }
}

/** Access that is granted only as an emergency: an ordinary path is missing, or too slow. */
export function* emergencyOnly({ tally }: Material): Generator<Finding> {
  for (const [entitlement, seen] of tally.entitlements.named()) {
    const emergencyShare = share(seen.emergencyGrants, seen.grants);
    if (seen.emergencyGrants < THRESHOLDS.emergencyGrants || emergencyShare < THRESHOLDS.emergencyShare)
      continue;
    yield {
      signal: 'emergency-only',
      subject: entitlement,
      summary: `${seen.emergencyGrants} of ${plural(seen.grants, 'grant')} of ${entitlement} were emergencies`,
      evidence: {
        grants: seen.grants,
        'emergency grants': seen.emergencyGrants,
        'ordinary requests without a grant': seen.ordinaryFailures,
        conditions: [...seen.conditions].sort().join(', ') || 'none',
      },
      proposal:
        seen.ordinaryFailures > 0
          ? 'Ordinary requests are made and not granted: shorten their path, or let more people decide.'
          : 'Nobody makes an ordinary request: give those who restore service a path that is quick enough, and keep the emergency for emergencies.',
    };
  }
}

/** Entitlements that nobody was granted in a long time. */
export function* unusedEntitlements({ tally, surroundings, spanMs = 0 }: Material): Generator<Finding> {
  if (surroundings === undefined || spanMs < THRESHOLDS.unusedSpanMs) return;
  const seen = new Map(tally.entitlements.named());
  for (const entitlement of surroundings.entitlements) {
    const { requests = 0, grants = 0 } = seen.get(entitlement) ?? {};
    if (grants > 0) continue;
    yield {
      signal: 'unused-entitlement',
      subject: entitlement,
      summary: `nobody was granted ${entitlement} in ${saySpan(spanMs)}`,
      evidence: { requests, grants, span: saySpan(spanMs) },
      proposal:
        requests > 0
          ? 'It is requested and never granted: say in the catalog what to request instead, or repair its path.'
          : 'Remove it from the catalog: what cannot be requested cannot be granted by mistake.',
    };
  }
}
