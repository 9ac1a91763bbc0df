import { NO_PATH, POLICY_ALONE } from '../course';
import { share } from '../figures';
import { saySpan } from '../say';
import { type Finding, type Material, percent, plural, THRESHOLDS } from './finding';
import { autoApproval } from './policy-change';

/** People say yes every time: asking them adds waiting, and teaches them not to look. */
export function* autoApprovalCandidates({ tally }: Material): Generator<Finding> {
  for (const [, lane] of tally.lanes.named()) {
    const ordinary = lane.requests - lane.exceptional;
    const byPeople = lane.path !== POLICY_ALONE && lane.path !== NO_PATH;
    if (!byPeople || lane.privileged || lane.exactActions) continue;
    if (ordinary < THRESHOLDS.candidateRequests || lane.doubts > 0 || lane.granted < ordinary) continue;
    const change = autoApproval(lane);
    if (change === undefined) continue;
    const waited = lane.decision.quantile(0.5) ?? 0;
    yield {
      signal: 'auto-approval-candidate',
      subject: `${lane.entitlement} by ${lane.path}`,
      summary: `people granted all ${ordinary} requests for ${lane.entitlement}, after ${saySpan(waited)} at the median`,
      evidence: {
        requests: ordinary,
        granted: lane.granted,
        'requests in doubt': lane.doubts,
        'approvals given': lane.approvals,
        'waiting, median': saySpan(waited),
        'waiting, all together': saySpan(lane.decision.totalMs),
        'longest grant': saySpan(lane.longestMs),
        identities: lane.travellers.size,
      },
      proposal:
        'Let policy alone grant it to the identities that were seen, for the durations that were seen; everything else still goes to people.',
      change,
    };
  }
}

/** One of several people decides nearly everything, and the others are waited for. */
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
          : `${plural(others, 'other person')} could decide and hardly do: agree on a rota, remove those who never answer, or add people who do.`,
    };
  }
}

/** Access that is only ever had as an emergency: the ordinary way is missing, or too slow to be one. */
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
          ? 'The ordinary way is tried and does not lead there: shorten its path, or let more people decide it.'
          : 'Nobody takes the ordinary way: give those who restore service a path of their own that is quick enough, and keep the emergency for emergencies.',
    };
  }
}

/** What is on offer and nobody has had in a long time. */
export function* unusedEntitlements({ tally, surroundings, spanMs = 0 }: Material): Generator<Finding> {
  if (surroundings === undefined || spanMs < THRESHOLDS.unusedSpanMs) return;
  const seen = new Map(tally.entitlements.named());
  for (const entitlement of surroundings.entitlements) {
    const { requests = 0, grants = 0 } = seen.get(entitlement) ?? {};
    if (grants > 0) continue;
    yield {
      signal: 'unused-entitlement',
      subject: entitlement,
      summary: `nobody has had ${entitlement} in ${saySpan(spanMs)}`,
      evidence: { requests, grants, span: saySpan(spanMs) },
      proposal:
        requests > 0
          ? 'It is asked for and never granted: say in the catalog what to ask for instead, or mend its path.'
          : 'Take it out of the catalog; what cannot be asked for cannot be granted by mistake.',
    };
  }
}
