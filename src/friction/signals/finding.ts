import type { FrictionFigures, FrictionTally } from '../tally';

/** Patterns that call for a change of the design rather than of the people (FRI-5). */
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

/** A pattern, its evidence, and a proposal. It changes nothing by itself. */
export interface Finding {
  readonly signal: Signal;
  /** What it is about: an entitlement, a stage of a path, an identity, a person, access on a target. */
  readonly subject: string;
  /** One sentence that says what was found. */
  readonly summary: string;
  /** The numbers it rests on, by name. */
  readonly evidence: Readonly<Record<string, string | number>>;
  readonly proposal: string;
  /** A change of the policy bundle that would carry out the proposal. */
  readonly change?: PolicyChange;
}

/** A policy to add, and the clause that exempts the same requests from the policies that hold now. */
export interface PolicyChange {
  /** Identities for whom the same holds and that the change does not name. For them all goes on as today. */
  readonly leftOut?: number;
  readonly add: string;
  readonly exempt: { readonly policies: readonly string[]; readonly clause: string };
  readonly preview: string;
}

/** What signals need to know of catalog and directory. */
export interface Surroundings {
  /** Entitlements that can be requested and granted. */
  readonly entitlements: readonly string[];
}

/** The input of a signal. */
export interface Material {
  readonly tally: FrictionTally;
  readonly figures: FrictionFigures;
  readonly surroundings?: Surroundings;
  /** How long the figures reach back. Over a short span, nothing counts as unused. */
  readonly spanMs?: number;
}

/** From these numbers on something is a pattern. Below them it may be chance. */
export const THRESHOLDS = {
  /** Auto-approval: at least this many requests, all granted. */
  candidateRequests: 30,
  /** At least this many for one identity, before the proposal names it. */
  candidateRequestsEach: 5,
  bottleneckDecisions: 20,
  /** Share of a stage's decisions made by one person. */
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
