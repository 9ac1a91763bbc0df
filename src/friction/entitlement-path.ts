import { share } from './figures';
import { Spans } from './spans';
import type { Timeline } from './timeline';

/** Names that one entitlement and path, or one stage, keeps apart. */
const NAMES = 64;

/** Counts of one beneficiary. */
export interface BeneficiaryCounts {
  asked: number;
  granted: number;
}

/** Requests for one entitlement by one path: what a proposal to change the path rests on. */
export class EntitlementPathTally {
  entitlement = '';
  path = '';
  requests = 0;
  granted = 0;
  /** Requests that justify a human decision: denied, cancelled, stopped or revoked, or a review that found fault. */
  doubts = 0;
  /** Requests that the proposed policy would not permit anyway, so they are not counted as evidence for it. */
  exceptional = 0;
  lapsed = 0;
  approvals = 0;
  longestMs = 0;
  privileged = false;
  exactActions = false;
  selfRequested = true;
  ticketed = true;
  readonly policies = new Set<string>();
  readonly beneficiaries = new Map<string, BeneficiaryCounts>();
  readonly decision = new Spans();
  readonly approval = new Spans();

  add(timeline: Timeline): void {
    const { request, end, decidedAfterMs, verdict } = timeline;
    this.entitlement = timeline.entitlement;
    this.path = timeline.path;
    if (end === 'open') return;
    this.requests += 1;
    const exceptional = request.emergency || timeline.afterMachineDenial || timeline.repeat;
    if (exceptional) this.exceptional += 1;
    const doubted = ['denied', 'cancelled', 'stopped', 'failed'].includes(end) || timeline.revoked;
    if (doubted || verdict === 'unjustified' || verdict === 'needs-follow-up') this.doubts += 1;
    if (end === 'lapsed') this.lapsed += 1;
    if (decidedAfterMs !== undefined) this.decision.add(decidedAfterMs);
    for (const { afterMs } of timeline.approvals) this.approval.add(afterMs);
    this.approvals += timeline.approvals.length;
    this.privileged ||= timeline.privileged;
    this.exactActions ||= request.kind === 'execution';
    for (const policy of timeline.policies) if (this.policies.size < NAMES) this.policies.add(policy);
    const beneficiary = this.beneficiaries.get(request.beneficiary) ?? { asked: 0, granted: 0 };
    if (this.beneficiaries.size < NAMES) this.beneficiaries.set(request.beneficiary, beneficiary);
    beneficiary.asked += 1;
    if (end !== 'granted' || exceptional) return;
    this.granted += 1;
    beneficiary.granted += 1;
    this.longestMs = Math.max(this.longestMs, request.durationMs);
    this.selfRequested &&= request.requester === request.beneficiary;
    this.ticketed &&= request.ticket !== undefined;
  }
}

/** One stage of one path: who decides there, and how often a reminder was due. */
export class StageTally {
  path = '';
  stage = '';
  opened = 0;
  reminded = 0;
  escalated = 0;
  /** Openings that ended with a decision in this stage, approved or denied. */
  decided = 0;
  lapsed = 0;
  decisions = 0;
  quorum = 1;
  readonly eligible = new Set<string>();
  readonly deciders = new Map<string, number>();
  readonly waiting = new Spans();

  add(timeline: Timeline, index: number): void {
    const stage = timeline.stages[index];
    if (stage === undefined) return;
    this.path = timeline.path;
    this.stage = stage.name;
    this.opened += 1;
    if (stage.reminded) this.reminded += 1;
    if (stage.escalated) this.escalated += 1;
    this.quorum = Math.max(this.quorum, stage.quorum);
    for (const id of stage.eligible) if (this.eligible.size < NAMES) this.eligible.add(id);
    const isLast = index === timeline.stages.length - 1;
    const denied = isLast && timeline.deniedBy !== undefined;
    if (stage.completedAfterMs !== undefined || denied) this.decided += 1;
    if (stage.completedAfterMs !== undefined) this.waiting.add(stage.completedAfterMs);
    else if (isLast && timeline.end === 'lapsed') this.lapsed += 1;
    if (timeline.stages.findIndex(({ name }) => name === stage.name) !== index) return;
    for (const { by } of timeline.approvals.filter((approval) => approval.stage === stage.name))
      this.#decided(by);
    if (denied) this.#decided(timeline.deniedBy);
  }

  /** Returns the person who takes part in most decisions of this stage, with their share; undefined without decisions. */
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
