import type { LinkedPrecedent } from '../domain/assessment';
import { LIMITS } from '../domain/limits';
import type { EarlierAsk, Precedents } from '../domain/precedents';
import type { PrincipalId } from '../domain/principal';
import { type AccessRequest, entitlementName } from '../domain/request';
import type { CatalogEntry } from './catalog';
import type { AskingAgainRules, EmergencyRules } from './paths-file';

/** What went before, weighed against one request. */
export interface Bearing {
  /** Earlier requests for the same by the same, that did not lead to access and were let through to people. */
  readonly before: readonly EarlierAsk[];
  /** Of these, how many a person or a hard stop is known to have ended. */
  readonly refusedBefore: number;
  /** Ended without access, whatever ended them: how often it has been asked already. */
  readonly timesAsked: number;
  /** Asked, and nobody knows yet what came of it. */
  readonly open: number;
  /** Much the same: another action, or another identity of the same people, on the same resource. */
  readonly near: number;
  /** A machine has denied the same workload the same resource or a control that guards it (APB-3). */
  readonly deniedBefore: boolean;
  readonly deniedByControl: boolean;
  readonly recentEmergencies: number;
  readonly unjustifiedEmergencies: number;
  /** Requests whose review is overdue, of people or the identity behind this one (EMG-3). */
  readonly overdueReviews: readonly string[];
  readonly linked: readonly LinkedPrecedent[];
}

/**
 * Weighs what is on record. Pure: the same record and the same time weigh the same. What lies back is counted from when
 * the request was first asked, so that waiting sheds nothing; an earlier request is as recent as its end.
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
    ]
      .sort((a, b) => b.atMs - a.atMs)
      .slice(0, LIMITS.linkedPrecedents),
  };
}

/** The controls that hold over an entitlement: those that guard it, and the one that it would weaken. */
export const guardsOf = (entry: CatalogEntry): readonly string[] =>
  entry.weakens === undefined ? entry.guardedBy : [...entry.guardedBy, entry.weakens.control];

/** APB-4: the same entitlement for the same requester; asking through another requester for the same beneficiary, too. */
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
