import type { Timeline } from './timeline';

const NAMES = 32;

/** What one identity asked for, and what it did not get. */
export class AskerTally {
  requests = 0;
  denied = 0;
  stopped = 0;
  repeats = 0;
  granted = 0;
  /** Entitlements that were denied, and how often. */
  readonly denials = new Map<string, number>();
  /** The latest `safeWay` that policy gave it. */
  safeWay: string | undefined;
  why: string | undefined;

  add(timeline: Timeline): void {
    this.requests += 1;
    if (timeline.repeat) this.repeats += 1;
    if (timeline.end === 'granted') this.granted += 1;
    if (timeline.end !== 'denied' && timeline.end !== 'stopped') return;
    this[timeline.end] += 1;
    const known = this.denials.get(timeline.entitlement);
    if (known !== undefined || this.denials.size < NAMES)
      this.denials.set(timeline.entitlement, (known ?? 0) + 1);
    if (timeline.end === 'stopped') this.why = timeline.explanation;
    this.safeWay = timeline.safeWay ?? this.safeWay;
  }
}

/** How access to one entitlement was granted. */
export class EntitlementTally {
  requests = 0;
  grants = 0;
  emergencyGrants = 0;
  /** Requests without the emergency flag that ended without a grant. */
  ordinaryFailures = 0;
  readonly conditions = new Set<string>();

  add({ request, end }: Timeline): void {
    this.requests += 1;
    if (end === 'granted') {
      this.grants += 1;
      if (request.emergency) this.emergencyGrants += 1;
    } else if (!request.emergency && end !== 'open') this.ordinaryFailures += 1;
    if (request.emergencyCondition !== undefined && this.conditions.size < NAMES)
      this.conditions.add(request.emergencyCondition);
  }
}
