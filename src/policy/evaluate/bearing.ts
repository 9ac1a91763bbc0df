import type { LinkedPrecedent } from '../../domain/assessment';
import type { EarlierAsk, Precedents } from '../../domain/precedents';
import type { PrincipalId } from '../../domain/principal';
import { type AccessRequest, entitlementName } from '../../domain/request';
import type { CatalogEntry } from '../load/catalog';
import type { AskingAgainRules, EmergencyRules } from '../load/paths-file';

/** The precedents of one request, counted. */
export interface Bearing {
  /** Earlier requests for the same by the same people, which went to approvers and did not lead to access. */
  readonly before: readonly EarlierAsk[];
  /** How many of these a person or a hard stop ended. */
  readonly refusedBefore: number;
  /** How many ended without access, for any reason. */
  readonly timesAsked: number;
  /** How many have no known end yet. */
  readonly open: number;
  /** Similar requests: another action, or another identity of the same people, on the same resource. */
  readonly near: number;
  /** True if a machine has denied the same workload the same resource, or a control that guards it (APB-3). */
  readonly deniedBefore: boolean;
  readonly deniedByControl: boolean;
  readonly recentEmergencies: number;
  readonly unjustifiedEmergencies: number;
  /** Requests whose review is overdue, of people or the identity behind this one (EMG-3). */
  readonly overdueReviews: readonly string[];
  readonly linked: readonly LinkedPrecedent[];
}

/**
 * Counts the precedents. Pure: the same record and time give the same result. Time counts back from when
 * the request was first submitted, so waiting removes nothing. The age of an earlier request counts from its end.
 */
export function bearingOf(
  { asks, denials, grants, askedAtMs }: Precedents,
  request: AccessRequest,
  entry: CatalogEntry,
  rules: { readonly askingAgain: AskingAgainRules; readonly emergencies: EmergencyRules },
  atMs: number,
): Bearing {
  const fromMs = Math.min(askedAtMs ?? atMs, atMs);
  const sinceMs = fromMs - rules.askingAgain.within;
  const recent = asks.filter((ask) => (ask.endedAtMs ?? ask.askedAtMs) >= sinceMs && !ask.granted);
  const same = recent.filter((ask) => isSame(ask, request) && ask.outcome !== 'refuse');
  const stops = recent.filter((ask) => ask.outcome === 'hard_stop' && isBySame(ask, request));
  const reported = denials.filter((denial) => denial.deniedAtMs >= sinceMs);
  const controls = guardsOf(entry);
  const near = recent.filter((ask) => !same.includes(ask) && hasEnded(ask));
  const emergencies = grants.filter(
    (grant) =>
      grant.emergency &&
      grant.grantedAtMs >= fromMs - rules.emergencies.within &&
      [grant.requester, grant.beneficiary].some((id) => isBehind(request, id)),
  );
  return {
    before: same,
    refusedBefore: same.filter(isRefused).length,
    timesAsked: same.filter(hasEnded).length,
    open: same.filter((ask) => !hasEnded(ask)).length,
    near: near.length,
    deniedBefore: reported.length > 0 || stops.length > 0,
    deniedByControl:
      reported.some(({ control }) => control !== undefined && controls.includes(control)) ||
      stops.some(({ control }) => control !== undefined && controls.includes(control)),
    recentEmergencies: emergencies.length,
    unjustifiedEmergencies: emergencies.filter((grant) => grant.verdict === 'unjustified').length,
    overdueReviews: grants.flatMap((grant) =>
      grant.reviewDueAtMs !== undefined && grant.reviewDueAtMs <= atMs ? [grant.request] : [],
    ),
    linked: [
      ...reported.map(
        ({ id, control, resource, reportedBy, deniedAtMs }): LinkedPrecedent => ({
          kind: 'reported-denial',
          id,
          about: control ?? resource ?? 'unknown',
          by: reportedBy,
          atMs: deniedAtMs,
        }),
      ),
      ...stops.filter((ask) => !same.includes(ask)).map(linkTo),
      ...same.map(linkTo),
      ...near.filter((ask) => !stops.includes(ask)).map(linkTo),
    ].sort((a, b) => b.atMs - a.atMs),
  };
}

/** Returns the controls of an entitlement: those that guard it, and the one that it would weaken. */
export const guardsOf = (entry: CatalogEntry): readonly string[] =>
  entry.weakens === undefined ? entry.guardedBy : [...entry.guardedBy, entry.weakens.control];

/** Returns true for the same entitlement with the same requester, or the same beneficiary through another one (APB-4). */
const isSame = (ask: EarlierAsk, request: AccessRequest): boolean =>
  ask.entitlement === entitlementName(request.entitlement) && isBySame(ask, request);

const isBySame = (ask: EarlierAsk, request: AccessRequest): boolean =>
  ask.requester === request.requester || ask.beneficiary === request.beneficiary;

const isBehind = (request: AccessRequest, id: PrincipalId): boolean =>
  id === request.requester || id === request.beneficiary || request.onBehalfOf.includes(id);

const hasEnded = (ask: EarlierAsk): boolean =>
  ask.end !== undefined || ask.outcome === 'hard_stop' || ask.outcome === 'refuse';

const isRefused = (ask: EarlierAsk): boolean =>
  ask.outcome === 'hard_stop' || (ask.end !== undefined && ask.end !== 'ended');

function linkTo(ask: EarlierAsk): LinkedPrecedent {
  const by = ask.endedBy === undefined ? {} : { by: ask.endedBy };
  return { kind: kindOf(ask), id: ask.request, about: ask.entitlement, ...by, atMs: ask.askedAtMs };
}

function kindOf({ outcome, end }: EarlierAsk): LinkedPrecedent['kind'] {
  if (outcome === 'hard_stop') return 'hard-stop';
  if (outcome === 'refuse') return 'refused';
  if (end === undefined) return 'open';
  return end === 'ended' ? 'unanswered' : end;
}
