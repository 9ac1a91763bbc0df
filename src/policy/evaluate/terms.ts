import { LIMITS } from '../../domain/limits';
import { assuranceMeets } from '../../domain/principal';
import { takesMoreChannels } from '../../domain/stages';
import type { PathDefinition, StageDefinition } from '../load/paths-file';
import type { ConfirmationDemand, PermitRule } from '../load/policy-rule';
import { groupsOf } from './eligibility';

/** The terms on which policy permits a request. */
export interface Terms {
  /** Absent if policy alone decides. */
  readonly path?: PathDefinition;
  readonly confirmation?: ConfirmationDemand;
  readonly maxDurationMs: number;
  readonly reviewWithinMs?: number;
}

export type CombinedTerms =
  | { readonly ok: true; readonly terms: Terms }
  | { readonly ok: false; readonly why: string };

/**
 * Combines several permits to the strictest of each part. If no demanded path contains all demands of the others, or if
 * different people are to confirm, there is no strictest. Then the request is refused, because no demand may be dropped.
 *
 * @param rules not empty
 * @param owners the group that stands for `resource-owners`
 * @param ceilingMs the core's own limit
 */
export function strictestTerms(
  rules: readonly PermitRule[],
  paths: ReadonlyMap<string, PathDefinition>,
  owners: string,
  ceilingMs: number,
): CombinedTerms {
  const names = [...new Set(rules.flatMap((rule) => rule.path ?? []))].sort();
  const demanded = names.flatMap((name) => paths.get(name) ?? []);
  const [path] = demanded
    .filter((one) => demanded.every((other) => asksForAllOf(one, other, owners)))
    .sort(byStrictness);
  if (demanded.length < names.length || (path === undefined && demanded.length > 0))
    return refused(
      `the paths ${names.join(' and ')} are demanded together, and none has every stage of the others`,
    );
  const confirmations = rules.flatMap((rule) => rule.confirmation ?? []);
  const relations = [...new Set(confirmations.map(({ relation }) => relation))].sort();
  if (relations.length > 1)
    return refused(`${relations.join(' and ')} are to confirm it, and only one of them can be asked`);
  // A confirmation before approval is the stricter: nobody is asked until it is there.
  const confirmation = confirmations.find(({ before }) => before === 'approval') ?? confirmations[0];
  const reviews = rules.flatMap((rule) => rule.reviewWithinMs ?? []);
  const longest = [
    ceilingMs,
    ...demanded.map((one) => one.maxDuration ?? ceilingMs),
    ...rules.map((rule) => rule.maxDurationMs ?? ceilingMs),
  ];
  const terms = {
    ...(path && { path: countingNoLonger(path, demanded) }),
    ...(confirmation && { confirmation }),
    ...(reviews.length > 0 && { reviewWithinMs: Math.min(...reviews) }),
    maxDurationMs: Math.min(...longest),
  };
  return { ok: true, terms };
}

const refused = (why: string): CombinedTerms => ({ ok: false, why });

/** Returns the path with the approvals of the strictest: those that count for the shortest time. */
function countingNoLonger(path: PathDefinition, demanded: readonly PathDefinition[]): PathDefinition {
  if (demanded.every(({ approvalsCountFor }) => approvalsCountFor === undefined)) return path;
  const spans = demanded.map(({ approvalsCountFor }) => approvalsCountFor ?? LIMITS.statementLifeMs);
  return { ...path, approvalsCountFor: Math.min(...spans) };
}

/** Returns true if passing one path implies passing the other: it contains each of the other's stages, in order. */
function asksForAllOf(one: PathDefinition, other: PathDefinition, owners: string): boolean {
  let place = 0;
  return other.stages.every((demand) => {
    const found = one.stages.findIndex((stage, at) => at >= place && isAsStrict(stage, demand, owners));
    place = found + 1;
    return found >= 0;
  });
}

function isAsStrict(stage: StageDefinition, demand: StageDefinition, owners: string): boolean {
  const accepted = groupsOf(demand.approvers, owners);
  return (
    groupsOf(stage.approvers, owners).every((group) => accepted.includes(group)) &&
    stage.quorum >= demand.quorum &&
    assuranceMeets(stage.assurance, demand.assurance) &&
    !takesMoreChannels(stage, demand)
  );
}

/** Strictest first: more stages, then more people, then stronger assurance; names decide last, so that it is fixed. */
function byStrictness(a: PathDefinition, b: PathDefinition): number {
  const quorum = ({ stages }: PathDefinition) => stages.reduce((sum, stage) => sum + stage.quorum, 0);
  return (
    b.stages.length - a.stages.length ||
    quorum(b) - quorum(a) ||
    strongStages(b) - strongStages(a) ||
    a.name.localeCompare(b.name, 'en')
  );
}

const strongStages = ({ stages }: PathDefinition): number =>
  stages.filter((stage) => assuranceMeets(stage.assurance, 'phishing-resistant')).length;
