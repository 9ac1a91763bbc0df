import type { PrincipalId } from '../domain/principal';
import { type ApproverFigures, ApproversTally } from './approver';
import { AskerTally, EntitlementTally } from './asker';
import { Bounded, OTHERS } from './bounded';
import { type Course, courseOf } from './course';
import { type Figures, FiguresTally } from './figures';
import { LaneTally, StageTally } from './lane';
import { areRecorded } from './recorded';

/** Entitlements, paths, teams or identities that are kept apart; more of one kind are counted together. */
const GROUPS = 2_000;
/** Findings of the reconciler that are kept one by one; all are counted. */
const DRIFT_KEPT = 1_000;

/** By what the figures are told apart. A request counts once in each team of its beneficiary. */
export const DIMENSIONS = ['entitlement', 'path', 'team', 'identity'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Something that the reconciler found, with whom and what it belongs to where directory and catalog know. */
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
  /** Submitted at or after, and before. */
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly teamsOf?: (id: PrincipalId) => readonly string[];
  readonly groupLimit?: number;
}

export interface NamedFigures extends Figures {
  readonly name: string;
}

/** What the whole costs, and each part of it. */
export interface FrictionFigures {
  readonly total: Figures;
  readonly by: Readonly<Record<Dimension, readonly NamedFigures[]>>;
  readonly approvers: readonly ApproverFigures[];
  /** False where there were more names, or more hours, than are kept apart. */
  readonly complete: boolean;
  /** What was submitted and could not be read as a request. */
  readonly unreadable: number;
}

/**
 * Adds up friction from recorded events, the events of one request at a time and requests in any order. Its memory is
 * bounded by the number of names it keeps apart, never by the number of requests.
 */
export class FrictionTally {
  readonly lanes: Bounded<LaneTally>;
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
    this.lanes = new Bounded(limit, () => new LaneTally());
    this.stages = new Bounded(limit, () => new StageTally());
    this.askers = new Bounded(limit, () => new AskerTally());
    this.entitlements = new Bounded(limit, () => new EntitlementTally());
  }

  /** Adds one request. What does not make a request is counted as unreadable, and stands in nobody's way. */
  add(events: unknown): void {
    const course = readCourse(events);
    if (course === undefined) this.#unreadable += 1;
    else this.#addCourse(course);
  }

  /** When the oldest request was submitted that was counted. */
  get firstAtMs(): number | undefined {
    return Number.isFinite(this.#firstAtMs) ? this.#firstAtMs : undefined;
  }

  #addCourse(course: Course): void {
    const { fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY, teamsOf } = this.options;
    const { request, entitlement, path } = course;
    if (request.submittedAtMs < fromMs || request.submittedAtMs >= toMs) return;
    this.#firstAtMs = Math.min(this.#firstAtMs, request.submittedAtMs);
    this.#total.add(course);
    this.#groups.entitlement.of(entitlement).add(course);
    this.#groups.path.of(path).add(course);
    this.#groups.identity.of(request.beneficiary).add(course);
    for (const team of teamsOf?.(request.beneficiary) ?? []) this.#groups.team.of(team).add(course);
    this.#approvers.add(course);
    this.lanes.of(`${entitlement} ${path}`).add(course);
    for (const [index, stage] of course.stages.entries())
      this.stages.of(`${path} ${stage.name}`).add(course, index);
    this.askers.of(request.beneficiary).add(course);
    this.entitlements.of(entitlement).add(course);
  }

  /** Adds access that a target holds without a request behind it, last seen in the span. */
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

/** What is recorded is folded by the core, which expects what the core has decided, and nothing that merely looks like it. */
function readCourse(events: unknown): Course | undefined {
  if (!areRecorded(events)) return undefined;
  try {
    return courseOf(events);
  } catch {
    return undefined;
  }
}
