import type { Course } from './course';

const NAMES = 32;

/** What an identity has asked for in vain. */
export class AskerTally {
  requests = 0;
  denied = 0;
  stopped = 0;
  repeats = 0;
  granted = 0;
  /** Entitlements that were denied, and how often. */
  readonly denials = new Map<string, number>();
  /** What it was told to do instead, last. */
  safeWay: string | undefined;
  why: string | undefined;

  add(course: Course): void {
    this.requests += 1;
    if (course.repeat) this.repeats += 1;
    if (course.outcome === 'granted') this.granted += 1;
    if (course.outcome !== 'denied' && course.outcome !== 'stopped') return;
    this[course.outcome] += 1;
    const known = this.denials.get(course.entitlement);
    if (known !== undefined || this.denials.size < NAMES)
      this.denials.set(course.entitlement, (known ?? 0) + 1);
    if (course.outcome === 'stopped') this.why = course.explanation;
    this.safeWay = course.safeWay ?? this.safeWay;
  }
}

/** How access to one entitlement has come about. */
export class EntitlementTally {
  requests = 0;
  grants = 0;
  emergencyGrants = 0;
  /** Asked in the ordinary way, and not granted. */
  ordinaryFailures = 0;
  readonly conditions = new Set<string>();

  add({ request, outcome }: Course): void {
    this.requests += 1;
    if (outcome === 'granted') {
      this.grants += 1;
      if (request.emergency) this.emergencyGrants += 1;
    } else if (!request.emergency && outcome !== 'open') this.ordinaryFailures += 1;
    if (request.emergencyCondition !== undefined && this.conditions.size < NAMES)
      this.conditions.add(request.emergencyCondition);
  }
}
