import type { ApprovalPath, Stage } from '../domain/assessment';
import type { PrincipalId } from '../domain/principal';
import { effectiveApprovers, stagesOf } from '../domain/stages';
import type { AssessedState, ReadState } from '../domain/state';
import type { EmergencyReroute, RerouteCheck, Statement } from '../domain/statement';
import { judge } from '../domain/verbs/judge';
import { refuseDecided } from '../domain/verbs/replacement';
import type { LoadedBundle } from '../policy';
import { alternativePath } from '../policy/evaluate/assess';
import { deciders, partiesOf } from '../policy/evaluate/eligibility';
import type { Visitor } from './sessions';
import { asIfSigned } from './verbs';

/** Places of a stage that could be given to somebody else, and who could take one. */
export interface OpenStage {
  readonly stage: string;
  readonly places: readonly PrincipalId[];
  readonly candidates: readonly PrincipalId[];
}

/** Each way in which this person could change the path of a request now. */
export interface OpenReroutes {
  readonly replacements: readonly OpenStage[];
  readonly switches: readonly { readonly path: string; readonly title: string }[];
  readonly emergencies: readonly {
    readonly condition: string;
    readonly title: string;
    readonly stages: readonly OpenStage[];
  }[];
}

type RerouteBundle = Pick<LoadedBundle, 'context' | 'emergencyReroutes'>;

/** How long what was found for one state of a request and one person is kept. Their standing comes with the bundle. */
const KEPT_MS = 60_000;
const kept = new WeakMap<
  ReadState,
  {
    readonly person: PrincipalId;
    readonly context: unknown;
    readonly untilMs: number;
    readonly found: OpenReroutes;
  }
>();

/** Like `findReroutes`, which takes milliseconds: a list of requests is looked at more often than they change. */
export function openReroutes(
  state: ReadState,
  visitor: Visitor,
  bundle: RerouteBundle,
  atMs: number,
): OpenReroutes {
  const { person } = visitor;
  const { context } = bundle;
  const known = kept.get(state);
  if (known?.person === person && known.context === context && atMs < known.untilMs) return known.found;
  const found = findReroutes(state, visitor, bundle, atMs);
  // What was found together is not found again together.
  const untilMs = atMs + KEPT_MS * (0.5 + Math.random() / 2);
  kept.set(state, { person, context, untilMs, found });
  return found;
}

/**
 * Returns the reroutes that the core would accept from this person now, with a reason, a ticket and a policy that exist. Who may
 * be put in comes from the groups that policy names; policy is asked again when the statement is signed.
 */
function findReroutes(state: ReadState, visitor: Visitor, bundle: RerouteBundle, atMs: number): OpenReroutes {
  if (state.phase !== 'assessed') return { replacements: [], switches: [], emergencies: [] };
  const ways = new Ways(state, visitor, bundle, atMs);
  const replacements = ways.stages();
  const isNew = (stages: readonly OpenStage[]) => JSON.stringify(stages) !== JSON.stringify(replacements);
  return {
    replacements,
    switches: ways.switches(),
    emergencies: [...bundle.emergencyReroutes]
      .map(([condition, { title }]) => ({ condition, title, stages: ways.stages(ways.emergency(condition)) }))
      // An emergency that lets nobody in whom an ordinary reroute would not is none.
      .filter(({ stages }) => stages.length > 0 && isNew(stages)),
  };
}

class Ways {
  readonly #conflicted: ReadonlySet<PrincipalId>;

  constructor(
    private readonly state: AssessedState,
    private readonly visitor: Visitor,
    private readonly bundle: RerouteBundle,
    private readonly atMs: number,
  ) {
    const { request } = state.submission;
    this.#conflicted = new Set(partiesOf(request, bundle.context.directory).map(({ id }) => id));
  }

  stages(emergency?: EmergencyReroute): readonly OpenStage[] {
    return stagesOf(this.state)
      .map((stage) => this.#openIn(stage, emergency))
      .filter(({ places, candidates }) => places.length > 0 && candidates.length > 0);
  }

  emergency(condition: string): EmergencyReroute | undefined {
    const rule = this.bundle.emergencyReroutes.get(condition);
    const { context } = this.bundle;
    const reviewers = deciders([context.reviewers], this.#conflicted, context.directory, this.atMs);
    if (rule === undefined || reviewers.length === 0) return undefined;
    return {
      ...{ condition, substituteGroups: rule.substitutes, reviewWithinMs: rule.reviewWithin, reviewers },
    };
  }

  switches(): OpenReroutes['switches'] {
    const { context } = this.bundle;
    const from = this.state.assessment.path;
    const { request } = this.state.submission;
    return (context.paths.get(from?.name ?? '')?.alternatives ?? []).flatMap((name) => {
      const alternative = alternativePath(context, request, this.atMs, from?.name ?? '', name);
      if (alternative === undefined || !this.#takesSwitch(alternative)) return [];
      return [{ path: name, title: context.paths.get(name)?.title ?? name }];
    });
  }

  #openIn(stage: Stage, emergency: EmergencyReroute | undefined): OpenStage {
    const { directory } = this.bundle.context;
    const groups = [...stage.groups, ...stage.substituteGroups, ...(emergency?.substituteGroups ?? [])];
    const able = deciders(groups, this.#conflicted, directory, this.atMs);
    const all = effectiveApprovers(this.state, stage);
    const places = all.filter((place) => refuseDecided(this.state, stage, place) === undefined);
    // What the core holds against a candidate does not depend on the place.
    const [place] = places;
    const candidates =
      place === undefined ? [] : able.filter((by) => this.#takes(stage, place, by, emergency));
    return { stage: stage.name, places, candidates };
  }

  #takes(
    stage: Stage,
    replace: PrincipalId,
    by: PrincipalId,
    emergency: EmergencyReroute | undefined,
  ): boolean {
    const candidate = this.bundle.context.directory.standingOf(by, this.atMs);
    return this.#accepts(
      {
        stage: stage.name,
        replacement: { replace, with: by, untilMs: this.atMs + 1 },
        ...(emergency && { emergencyCondition: emergency.condition }),
      },
      { candidateStages: [stage.name], ...(candidate && { candidate }), ...(emergency && { emergency }) },
    );
  }

  #takesSwitch(alternative: ApprovalPath): boolean {
    const switchTo = { path: alternative.name, untilMs: this.atMs + 1 };
    return this.#accepts({ switchTo }, { candidateStages: [], alternative });
  }

  #accepts(
    said: Partial<Statement>,
    check: Pick<RerouteCheck, 'candidate' | 'candidateStages' | 'alternative' | 'emergency'>,
  ): boolean {
    const grounds = { reasonCode: 'any', ticket: 'any', policyBasis: 'any' };
    const signed = asIfSigned(this.state, this.visitor, 'reroute', this.atMs, { ...grounds, ...said });
    const listed = { reasonCodeListed: true, ticketFound: true, policyBasisListed: true };
    return judge(this.state, { ...signed, reroute: { ...listed, ...check } }, this.atMs).ok;
  }
}
