import type { FrictionFigures, FrictionTally } from '../tally';

/** Patterns that say: the design should change here, not the people (FRI-5). */
export const SIGNALS = [
  'auto-approval-candidate',
  'approver-bottleneck',
  'emergency-only',
  'repeated-denials',
  'unused-entitlement',
  'out-of-band-access',
  'hardly-read-approvals',
] as const;
export type Signal = (typeof SIGNALS)[number];

/** A pattern that was found, what shows it, and what could be done. It changes nothing by itself. */
export interface Finding {
  readonly signal: Signal;
  /** What it is about: an entitlement, a stage of a path, an identity, a person, access on a target. */
  readonly subject: string;
  /** One sentence that says what was found. */
  readonly summary: string;
  /** What it rests on, by name. */
  readonly evidence: Readonly<Record<string, string | number>>;
  readonly proposal: string;
  /** A change of the policy bundle that would do it, where there is one. */
  readonly change?: PolicyChange;
}

/** A new policy, and the clause by which the ones that hold now let go of exactly those requests. */
export interface PolicyChange {
  readonly add: string;
  readonly exempt: { readonly policies: readonly string[]; readonly clause: string };
  readonly preview: string;
}

/** What the catalog and the directory know, as far as signals need it. */
export interface Surroundings {
  /** Entitlements that can be asked for and granted. */
  readonly entitlements: readonly string[];
}

/** What a signal looks at. */
export interface Material {
  readonly tally: FrictionTally;
  readonly figures: FrictionFigures;
  readonly surroundings?: Surroundings;
  /** How long the figures reach back; what nobody has used in a day is not unused. */
  readonly spanMs?: number;
}

/** From what on something is a pattern. Below these numbers it may be chance. */
export const THRESHOLDS = {
  /** Auto-approval: as many requests, all of them granted. */
  candidateRequests: 30,
  /** And as many for one identity, before the proposal names it. */
  candidateRequestsEach: 5,
  bottleneckDecisions: 20,
  /** Share of a stage's decisions that one person makes, where others could. */
  bottleneckShare: 0.7,
  /** Share of a stage's openings in which a reminder was due. */
  bottleneckReminded: 0.25,
  emergencyGrants: 5,
  emergencyShare: 0.9,
  denials: 4,
  /** Share of an identity's requests that were denied or stopped. */
  denialShare: 0.5,
  unusedSpanMs: 30 * 86_400_000,
  hardlyReadApprovals: 20,
  hardlyReadShare: 0.8,
} as const;

export const percent = (part: number): string => `${Math.round(part * 100)} %`;
export const plural = (count: number, one: string): string => `${count} ${count === 1 ? one : `${one}s`}`;
