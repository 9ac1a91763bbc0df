import type { Course } from './course';
import { share } from './figures';
import { Spans } from './spans';

/** Names that one lane or stage keeps apart. */
const NAMES = 64;

/** How one beneficiary has fared in a lane. */
export interface Traveller {
  asked: number;
  granted: number;
}

/** Requests for one entitlement by one path: what a proposal to change the path rests on. */
export class LaneTally {
  entitlement = '';
  path = '';
  requests = 0;
  granted = 0;
  /** Anything that says people were right to look: a no, an end by hand, a revocation, a review that found fault. */
  doubts = 0;
  /** What the new rule would not let through, so it says nothing about it. */
  exceptional = 0;
  lapsed = 0;
  approvals = 0;
  longestMs = 0;
  privileged = false;
  exactActions = false;
  selfRequested = true;
  ticketed = true;
  readonly policies = new Set<string>();
  readonly travellers = new Map<string, Traveller>();
  readonly decision = new Spans();
  readonly approval = new Spans();

  add(course: Course): void {
    const { request, outcome, decidedAfterMs, verdict } = course;
    this.entitlement = course.entitlement;
    this.path = course.path;
    if (outcome === 'open') return;
    this.requests += 1;
    const exceptional = request.emergency || course.afterMachineDenial || course.repeat;
    if (exceptional) this.exceptional += 1;
    const doubted = ['denied', 'cancelled', 'stopped', 'failed'].includes(outcome) || course.revoked;
    if (doubted || verdict === 'unjustified' || verdict === 'needs-follow-up') this.doubts += 1;
    if (outcome === 'lapsed') this.lapsed += 1;
    if (decidedAfterMs !== undefined) this.decision.add(decidedAfterMs);
    for (const { afterMs } of course.approvals) this.approval.add(afterMs);
    this.approvals += course.approvals.length;
    this.privileged ||= course.privileged;
    this.exactActions ||= request.kind === 'execution';
    for (const policy of course.policies) if (this.policies.size < NAMES) this.policies.add(policy);
    const traveller = this.travellers.get(request.beneficiary) ?? { asked: 0, granted: 0 };
    if (this.travellers.size < NAMES) this.travellers.set(request.beneficiary, traveller);
    traveller.asked += 1;
    if (outcome !== 'granted' || exceptional) return;
    this.granted += 1;
    traveller.granted += 1;
    this.longestMs = Math.max(this.longestMs, request.durationMs);
    this.selfRequested &&= request.requester === request.beneficiary;
    this.ticketed &&= request.ticket !== undefined;
  }
}

/** One stage of one path: who really decides there, and whether anyone has to be reminded. */
export class StageTally {
  path = '';
  stage = '';
  opened = 0;
  reminded = 0;
  escalated = 0;
  /** Openings that led to a decision of this stage, to either side. */
  decided = 0;
  lapsed = 0;
  decisions = 0;
  quorum = 1;
  readonly eligible = new Set<string>();
  readonly deciders = new Map<string, number>();
  readonly waiting = new Spans();

  add(course: Course, index: number): void {
    const stage = course.stages[index];
    if (stage === undefined) return;
    this.path = course.path;
    this.stage = stage.name;
    this.opened += 1;
    if (stage.reminded) this.reminded += 1;
    if (stage.escalated) this.escalated += 1;
    this.quorum = Math.max(this.quorum, stage.quorum);
    for (const id of stage.eligible) if (this.eligible.size < NAMES) this.eligible.add(id);
    const isLast = index === course.stages.length - 1;
    const denied = isLast && course.deniedBy !== undefined;
    if (stage.completedAfterMs !== undefined || denied) this.decided += 1;
    if (stage.completedAfterMs !== undefined) this.waiting.add(stage.completedAfterMs);
    else if (isLast && course.outcome === 'lapsed') this.lapsed += 1;
    if (course.stages.findIndex(({ name }) => name === stage.name) !== index) return;
    for (const { by } of course.approvals.filter((approval) => approval.stage === stage.name))
      this.#decided(by);
    if (denied) this.#decided(course.deniedBy);
  }

  /** Who takes part in most decisions here, and in which share of them. */
  busiest(): { readonly person: string; readonly decisions: number; readonly share: number } | undefined {
    const [first] = [...this.deciders].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    if (first === undefined) return undefined;
    return { person: first[0], decisions: first[1], share: Math.min(1, share(first[1], this.decided)) };
  }

  #decided(by: string): void {
    this.decisions += 1;
    const known = this.deciders.get(by);
    if (known !== undefined || this.deciders.size < NAMES) this.deciders.set(by, (known ?? 0) + 1);
  }
}
