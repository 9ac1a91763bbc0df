import { eventsSchema } from '../contracts/event';
import type { PrincipalId } from '../domain/principal';
import { type ApproverFigures, ApproversTally } from './approver';
import { AskerTally, EntitlementTally } from './asker';
import { Bounded, OTHERS } from './bounded';
import { EntitlementPathTally, StageTally } from './entitlement-path';
import { type Figures, FiguresTally } from './figures';
import { type Timeline, timelineOf } from './timeline';

/** Entitlements, paths, teams or identities with figures of their own; further ones of a kind share one. */
const GROUPS = 2_000;
/** Findings of the reconciler that are kept one by one. All are counted. */
const DRIFT_KEPT = 1_000;

/** What figures are grouped by. A request counts once for each team of its beneficiary. */
export const DIMENSIONS = ['entitlement', 'path', 'team', 'identity'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Access without a request, found by the reconciler; `identity` and `entitlement` if directory and catalog know them. */
export interface DriftSeen {
  readonly connector: string;
  readonly account: string;
  readonly grant: string;
  readonly identity?: PrincipalId;
  readonly entitlement?: string;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly times: number;
}

export interface TallyOptions {
  /** Counts requests submitted at or after `fromMs` and before `toMs`. */
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly teamsOf?: (id: PrincipalId) => readonly string[];
  readonly groupLimit?: number;
}

export interface NamedFigures extends Figures {
  readonly name: string;
}

/** Figures of all requests, and of each group. */
export interface FrictionFigures {
  readonly total: Figures;
  readonly by: Readonly<Record<Dimension, readonly NamedFigures[]>>;
  readonly approvers: readonly ApproverFigures[];
  /** False if there were more names, or more hours, than have figures of their own. */
  readonly complete: boolean;
  /** Records that could not be read as the events of a request. */
  readonly unreadable: number;
}

/**
 * Adds up friction from recorded events: all events of one request at a time, requests in any order. Memory grows with the
 * number of names, up to a limit, and not with the number of requests.
 */
export class FrictionTally {
  readonly entitlementPaths: Bounded<EntitlementPathTally>;
  readonly stages: Bounded<StageTally>;
  readonly askers: Bounded<AskerTally>;
  readonly entitlements: Bounded<EntitlementTally>;
  readonly drift: DriftSeen[] = [];
  readonly #total = new FiguresTally();
  readonly #approvers: ApproversTally;
  readonly #groups: Readonly<Record<Dimension, Bounded<FiguresTally>>>;
  #unreadable = 0;
  #firstAtMs = Number.POSITIVE_INFINITY;

  constructor(private readonly options: TallyOptions = {}) {
    const limit = options.groupLimit ?? GROUPS;
    const groups = () => new Bounded(limit, () => new FiguresTally());
    this.#groups = { entitlement: groups(), path: groups(), team: groups(), identity: groups() };
    this.#approvers = new ApproversTally(limit);
    this.entitlementPaths = new Bounded(limit, () => new EntitlementPathTally());
    this.stages = new Bounded(limit, () => new StageTally());
    this.askers = new Bounded(limit, () => new AskerTally());
    this.entitlements = new Bounded(limit, () => new EntitlementTally());
  }

  /** Adds one request. Anything that is not the events of a request is counted as unreadable and otherwise ignored. */
  add(events: unknown): void {
    const timeline = readTimeline(events);
    if (timeline === undefined) this.#unreadable += 1;
    else this.addTimeline(timeline);
  }

  /** When the oldest counted request was submitted; undefined without requests. */
  get firstAtMs(): number | undefined {
    return Number.isFinite(this.#firstAtMs) ? this.#firstAtMs : undefined;
  }

  /** Adds one request that has been read already. */
  addTimeline(timeline: Timeline): void {
    const { fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY, teamsOf } = this.options;
    const { request, entitlement, path } = timeline;
    if (request.submittedAtMs < fromMs || request.submittedAtMs >= toMs) return;
    this.#firstAtMs = Math.min(this.#firstAtMs, request.submittedAtMs);
    this.#total.add(timeline);
    this.#groups.entitlement.of(entitlement).add(timeline);
    this.#groups.path.of(path).add(timeline);
    this.#groups.identity.of(request.beneficiary).add(timeline);
    for (const team of teamsOf?.(request.beneficiary) ?? []) this.#groups.team.of(team).add(timeline);
    this.#approvers.add(timeline);
    this.entitlementPaths.of(`${entitlement} ${path}`).add(timeline);
    for (const [index, stage] of timeline.stages.entries())
      this.stages.of(`${path} ${stage.name}`).add(timeline, index);
    this.askers.of(request.beneficiary).add(timeline);
    this.entitlements.of(entitlement).add(timeline);
  }

  /** Adds access without a request that was seen on a target within the span. */
  addDrift(seen: DriftSeen): void {
    const { fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY, teamsOf } = this.options;
    if (seen.lastAtMs < fromMs || seen.firstAtMs >= toMs) return;
    this.#total.addDrift();
    if (seen.entitlement !== undefined) this.#groups.entitlement.of(seen.entitlement).addDrift();
    if (seen.identity !== undefined) {
      this.#groups.identity.of(seen.identity).addDrift();
      for (const team of teamsOf?.(seen.identity) ?? []) this.#groups.team.of(team).addDrift();
    }
    if (this.drift.length < DRIFT_KEPT) this.drift.push(seen);
  }

  figures(): FrictionFigures {
    const of = (dimension: Dimension) =>
      this.#groups[dimension]
        .entries()
        .map(([name, tally]) => ({ name, ...tally.figures() }))
        .sort((a, b) => b.requests - a.requests || (a.name < b.name ? -1 : 1));
    const by = {
      entitlement: of('entitlement'),
      path: of('path'),
      team: of('team'),
      identity: of('identity'),
    };
    const approvers = this.#approvers
      .figures()
      .toSorted((a, b) => b.prompts - a.prompts || (a.person < b.person ? -1 : 1));
    const names = [...Object.values(by).flat(), ...approvers.map(({ person: name }) => ({ name }))];
    return {
      total: this.#total.figures(),
      by,
      approvers,
      complete: this.#approvers.complete && !names.some(({ name }) => name === OTHERS),
      unreadable: this.#unreadable,
    };
  }
}

/**
 * Reads what one request cost from its events, which come from a server or a file that others write to. Returns undefined
 * if they are not the events of a request: the core folds only what it decided itself, and may throw on anything else.
 */
export function readTimeline(events: unknown): Timeline | undefined {
  const parsed = eventsSchema.safeParse(events);
  if (!parsed.success) return undefined;
  try {
    return timelineOf(parsed.data);
  } catch {
    return undefined;
  }
}
