import type { ANNOTATIONS } from '../../policy/load/policy-rule';

type PermitAnnotation = keyof (typeof ANNOTATIONS)['permit'];
type ForbidAnnotation = keyof (typeof ANNOTATIONS)['forbid'];

/**
 * A policy for each annotation that shows what it does. Each can be put into the example bundle as it is; a test does that, and
 * sees that it does what the reference says.
 */
export const ANNOTATION_EXAMPLES: {
  readonly permit: Readonly<Record<PermitAnnotation, string>>;
  readonly forbid: Readonly<Record<ForbidAnnotation, string>>;
} = {
  permit: {
    id: `@id("ravi-reads")
@path("policy-alone")
@max_duration("30m")
permit (principal == Person::"person/ravi", action == Action::"read", resource == Resource::"warehouse:reporting");`,
    title: `@id("ravi-reads")
@title("Ravi reads the reporting schema")
@path("policy-alone")
@max_duration("30m")
permit (principal == Person::"person/ravi", action == Action::"read", resource == Resource::"warehouse:reporting");`,
    path: `@id("storefront-writes")
@path("production-write")
@max_duration("1h")
permit (principal in Group::"storefront", action == Action::"write", resource == Resource::"warehouse:payments");`,
    emergency: `@id("storefront-restores")
@path("incident")
@emergency("production-outage")
@max_duration("1h")
@review_within("24h")
permit (principal in Group::"storefront", action == Action::"write", resource == Resource::"warehouse:payments");`,
    max_duration: `@id("storefront-writes")
@path("production-write")
@max_duration("1h30m")
permit (principal in Group::"storefront", action == Action::"write", resource == Resource::"warehouse:payments");`,
    review_within: `@id("storefront-writes")
@path("production-write")
@max_duration("1h")
@review_within("48h")
permit (principal in Group::"storefront", action == Action::"write", resource == Resource::"warehouse:payments");`,
    confirm: `@id("atlas-writes")
@path("production-write")
@max_duration("1h")
@confirm("sponsor before approval")
permit (principal == Workload::"agent/atlas", action == Action::"write", resource == Resource::"warehouse:payments");`,
  },
  forbid: {
    id: `@id("ravi-does-not-read")
forbid (principal == Person::"person/ravi", action == Action::"read", resource == Resource::"warehouse:reporting");`,
    title: `@id("ravi-does-not-read")
@title("Ravi does not read the reporting schema")
forbid (principal == Person::"person/ravi", action == Action::"read", resource == Resource::"warehouse:reporting");`,
    hard_stop: `@id("ravi-never-reads")
@hard_stop("RAVI_READS")
@safe_way("Ask Lena for the figures.")
forbid (principal == Person::"person/ravi", action == Action::"read", resource == Resource::"warehouse:reporting");`,
    safe_way: `@id("ravi-does-not-read")
@safe_way("Ask Lena for the figures.")
forbid (principal == Person::"person/ravi", action == Action::"read", resource == Resource::"warehouse:reporting");`,
  },
};
