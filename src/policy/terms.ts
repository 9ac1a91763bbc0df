import { assuranceMeets } from '../domain/principal';
import type { PathDefinition } from './paths-file';
import type { ConfirmationDemand, PermitRule } from './policy-rule';

/** On which terms policy lets a request through. */
export interface Terms {
  /** Absent where policy alone suffices. */
  readonly path?: PathDefinition;
  readonly confirmation?: ConfirmationDemand;
  readonly maxDurationMs: number;
  readonly reviewWithinMs?: number;
}

/** Several permits combine to the strictest of each. `rules` is not empty; `ceilingMs` is the core's own limit. */
export function strictestTerms(
  rules: readonly PermitRule[],
  paths: ReadonlyMap<string, PathDefinition>,
  ceilingMs: number,
): Terms {
  const demanded = rules.flatMap((rule) => (rule.path === undefined ? [] : (paths.get(rule.path) ?? [])));
  const [path] = demanded.sort(byStrictness);
  const confirmations = rules.flatMap((rule) => rule.confirmation ?? []);
  // A confirmation before approval is the stricter: nobody is asked until it is there.
  const confirmation = confirmations.find(({ before }) => before === 'approval') ?? confirmations[0];
  const reviews = rules.flatMap((rule) => rule.reviewWithinMs ?? []);
  const longest = [
    ceilingMs,
    path?.maxDuration ?? ceilingMs,
    ...rules.map((rule) => rule.maxDurationMs ?? ceilingMs),
  ];
  return {
    ...(path && { path }),
    ...(confirmation && { confirmation }),
    ...(reviews.length > 0 && { reviewWithinMs: Math.min(...reviews) }),
    maxDurationMs: Math.min(...longest),
  };
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
