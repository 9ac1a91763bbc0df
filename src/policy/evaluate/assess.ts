import { formatDuration } from '../../contracts/duration';
import type { ApprovalPath, Assessment, Party, ReasonCode, Stage } from '../../domain/assessment';
import { LIMITS } from '../../domain/limits';
import { NO_PRECEDENTS, type Precedents } from '../../domain/precedents';
import type { PrincipalId } from '../../domain/principal';
import type { AccessRequest } from '../../domain/request';
import { grantCeilingMs } from '../../domain/rules/soundness';
import type { CatalogEntry } from '../load/catalog';
import type { PathDefinition } from '../load/paths-file';
import type { PermitRule } from '../load/policy-rule';
import { argumentsNamed, argumentsSeen } from './arguments-seen';
import { type Bearing, bearingOf } from './bearing';
import { questionOf } from './cedar-question';
import { withDelegates } from './delegates';
import { deciders, decidersOfPaths, partiesOf, resolvePath } from './eligibility';
import type { PolicyContext } from './policy-context';
import { PolicyDecision } from './policy-decision';
import { heldToEarlierApprovers } from './same-approvers';
import { whyNoStart } from './start';
import { strictestTerms, type Terms } from './terms';

/**
 * Assesses a request. The checks are ordered by severity. A request against a control is stopped before anything else is
 * checked, so that no other refusal hides it. Then come the identities, the duration, the policies, and who can decide.
 */
export function assess(
  context: PolicyContext,
  request: AccessRequest,
  atMs: number,
  precedents: Precedents = NO_PRECEDENTS,
): Assessment {
  const entry = context.catalog.entry(request.entitlement);
  if (entry === undefined)
    return new PolicyDecision(context, request, atMs).refuse(
      'UNKNOWN_ENTITLEMENT',
      'the catalog has no such entitlement',
    );
  const matter = matterOf(context, request, entry, precedents, atMs);
  const { bearing } = matter;
  const decision = new PolicyDecision(context, request, atMs, bearing);
  if (entry.weakens !== undefined) {
    const { effect, title, safeWay } = entry.weakens;
    return decision.stop('CONTROL_WEAKENING', `it ${effect} a control: ${title}`, [], safeWay);
  }
  const unfit =
    refuseWrongKind(entry, request) ?? refuseByCatalog(matter) ?? refuseByRecord(context, request, bearing);
  if (unfit !== undefined) return decision.refuse(...unfit);
  const seen = argumentsSeen(context.engine, entry, request);
  if (!seen.ok) return decision.refuse('ARGUMENTS_NOT_AS_DECLARED', seen.why);
  const answer = context.engine.ask(questionOf(context.directory, entry, request, bearing, atMs, seen.value));
  if (answer.decision === 'error')
    return decision.refuse('FORBIDDEN_BY_POLICY', 'a policy could not be evaluated');
  const forbids = answer.rules.filter((rule) => rule.effect === 'forbid');
  if (answer.decision === 'forbid' && forbids.length > 0) return decision.forbidden(forbids);
  const permits = answer.rules
    .filter((rule) => rule.effect === 'permit')
    .filter((rule) => counts(rule, request));
  if (permits.length === 0) return decision.refuse('NO_MATCHING_POLICY', 'no policy permits it');
  return letThrough(matter, permits, decision);
}

interface Matter {
  readonly context: PolicyContext;
  readonly request: AccessRequest;
  readonly atMs: number;
  readonly entry: CatalogEntry;
  readonly bearing: Bearing;
  readonly parties: readonly Party[];
  /** People with any other part in the request, who decide nothing. */
  readonly conflicted: ReadonlySet<PrincipalId>;
}

function matterOf(
  context: PolicyContext,
  request: AccessRequest,
  entry: CatalogEntry,
  precedents: Precedents,
  atMs: number,
): Matter {
  const parties = partiesOf(request, context.directory);
  const conflicted = new Set(parties.map((party) => party.id));
  return {
    context,
    request,
    atMs,
    entry,
    bearing: bearingOf(precedents, request, entry, context, atMs),
    parties,
    conflicted,
  };
}

function letThrough(matter: Matter, permits: readonly PermitRule[], decision: PolicyDecision): Assessment {
  const { context, request, atMs, entry, bearing, parties, conflicted } = matter;
  const { directory } = context;
  const ids = permits.map((rule) => rule.id);
  const combined = strictestTerms(permits, context.paths, entry.owners, grantCeilingMs(request));
  if (!combined.ok) return decision.refuse('POLICIES_DISAGREE', combined.why, ids);
  const { terms } = combined;
  if (request.durationMs > terms.maxDurationMs)
    return decision.refuse(
      'DURATION_OVER_LIMIT',
      `the longest is ${formatDuration(terms.maxDurationMs)}`,
      ids,
    );
  const noStart = whyNoStart(request, terms, atMs);
  if (noStart !== undefined) return decision.refuse('START_NOT_POSSIBLE', noStart, ids);
  const { accounts } = directory.identity(request.beneficiary) ?? {};
  // For an action, the beneficiary needs no account on the target: the executor has one.
  const ownName = request.kind === 'execution' ? request.beneficiary : undefined;
  const account = accounts?.[entry.entitlement.connector] ?? ownName;
  if (account === undefined)
    return decision.refuse('NO_ACCOUNT_ON_TARGET', `${request.beneficiary} has no account there`, ids);
  const confirmation = confirmationOf(terms, parties);
  const reviewers = deciders([terms.path?.reviewers ?? context.reviewers], conflicted, directory, atMs);
  const others = new Set([...reviewers, ...(confirmation?.by ?? [])]);
  const path = terms.path && pathFor(matter, terms.path, others);
  const empty = path?.stages.find((stage) => stage.eligible.length < stage.quorum);
  if (empty !== undefined) return decision.refuse('NOBODY_CAN_APPROVE', whyEmpty(empty, bearing), ids);
  const excess = whyTooLarge(path?.stages ?? [], reviewers);
  if (excess !== undefined) return decision.refuse('NOBODY_CAN_APPROVE', excess, ids);
  if (confirmation?.by.length === 0)
    return decision.refuse('NOBODY_CAN_APPROVE', 'nobody could confirm the request', ids);
  const explanation =
    path === undefined ? 'permitted by policy alone' : `needs approval by the path ${path.name}`;
  return {
    ...decision.base(ids),
    outcome: path === undefined ? 'permit' : 'approve',
    reasonCodes: [path === undefined ? 'PERMITTED_BY_POLICY' : 'APPROVAL_NEEDED'],
    explanation: explanation + argumentsNamed(context.engine, entry.entitlement.action, ids),
    ...(path && { path }),
    ...(confirmation && { confirmation }),
    maxDurationMs: terms.maxDurationMs,
    ...(terms.reviewWithinMs !== undefined && { reviewWithinMs: terms.reviewWithinMs }),
    reviewers: terms.reviewWithinMs === undefined ? [] : reviewers,
    privileged: entry.privileged,
    parties,
    binding: { account, grant: entry.grant },
  };
}

/** Resolves a path to people, restricted to those who were asked before. `others` have another part in the request. */
function pathFor(
  { context, atMs, entry, bearing, conflicted }: Matter,
  definition: PathDefinition,
  others: ReadonlySet<PrincipalId>,
): ApprovalPath {
  const { directory, askingAgain } = context;
  const decidersAmong = (people: readonly PrincipalId[]) =>
    decidersOfPaths(people, context.paths, conflicted, directory, atMs);
  const named = resolvePath(definition, entry.owners, conflicted, directory, atMs);
  const held = heldToEarlierApprovers(named, bearing, decidersAmong, askingAgain.raiseQuorumBy);
  return withDelegates(held, new Set([...conflicted, ...others]), directory, atMs);
}

/** Resolves an alternative path for this request. Returns undefined if the bundle does not offer it. */
export function alternativePath(
  context: PolicyContext,
  request: AccessRequest,
  atMs: number,
  from: string,
  to: string,
  precedents: Precedents = NO_PRECEDENTS,
): ApprovalPath | undefined {
  const entry = context.catalog.entry(request.entitlement);
  const definition = context.paths.get(to);
  if (entry === undefined || definition === undefined) return undefined;
  if (context.paths.get(from)?.alternatives.includes(to) !== true) return undefined;
  const reviewers = deciders([definition.reviewers ?? context.reviewers], new Set(), context.directory, atMs);
  return pathFor(matterOf(context, request, entry, precedents, atMs), definition, new Set(reviewers));
}

function whyEmpty({ name }: Stage, { before }: Bearing): string {
  if (before.length === 0) return `stage ${name} has too few people who may decide`;
  return `it was asked before, and too few of those who were asked then may decide stage ${name} now`;
}

/**
 * Refuses an assessment that is over the limits of what is recorded. `policy check` finds these too, except for a stage
 * that consists of the people of several earlier requests.
 */
function whyTooLarge(stages: readonly Stage[], reviewers: readonly PrincipalId[]): string | undefined {
  if (stages.length > LIMITS.stages)
    return `it has ${stages.length} stages with the one of earlier approvers; ${LIMITS.stages} is the most`;
  if (reviewers.length > LIMITS.eligibleApprovers)
    return `${reviewers.length} people could review it; ${LIMITS.eligibleApprovers} is the most`;
  for (const { name, eligible, groups } of stages) {
    if (eligible.length > LIMITS.eligibleApprovers)
      return `${eligible.length} people could decide stage ${name}; ${LIMITS.eligibleApprovers} is the most`;
    if (groups.length > LIMITS.stageGroups)
      return `${groups.length} groups could decide stage ${name}; ${LIMITS.stageGroups} is the most`;
  }
  return undefined;
}

function confirmationOf({ confirmation }: Terms, parties: readonly Party[]): Assessment['confirmation'] {
  if (confirmation === undefined) return undefined;
  const by = parties.filter((party) => party.relation === confirmation.relation).map((party) => party.id);
  return { by: [...new Set(by)], before: confirmation.before };
}

/** An emergency needs a policy for its condition, and such a policy permits nothing else. */
const counts = (rule: PermitRule, { emergency, emergencyCondition }: AccessRequest): boolean =>
  emergency
    ? rule.emergency !== undefined && rule.emergency === emergencyCondition
    : rule.emergency === undefined;

type Unfit = readonly [ReasonCode, string];

/** The kind of request must fit the entitlement, and an action must state everything that its approvers need (AGE-5). */
function refuseWrongKind({ kind }: CatalogEntry, request: AccessRequest): Unfit | undefined {
  if (request.kind !== kind)
    return ['NOT_SUPPORTED', `the catalog offers this as ${kind}, not ${request.kind}`];
  if (kind === 'access')
    return request.parameters && ['MALFORMED_REQUEST', 'a request for access has no action parameters'];
  if (request.parameters === undefined)
    return ['MALFORMED_REQUEST', 'an execution names its tool, target and exact arguments'];
  if (request.containment === undefined || request.rollback === undefined)
    return ['MALFORMED_REQUEST', 'an execution says how it is contained and rolled back'];
  return undefined;
}

function refuseByCatalog(matter: Matter): Unfit | undefined {
  const { context, request, atMs } = matter;
  const { directory } = context;
  if (directory.identity(request.requester) === undefined)
    return ['UNKNOWN_REQUESTER', `the directory does not know ${request.requester}`];
  if (directory.identity(request.beneficiary) === undefined)
    return ['UNKNOWN_BENEFICIARY', `the directory does not know ${request.beneficiary}`];
  const stranger = request.onBehalfOf.find((id) => directory.identity(id) === undefined);
  if (stranger !== undefined) return ['UNKNOWN_DELEGATOR', `the directory does not know ${stranger}`];
  const involved = [request.requester, request.beneficiary, ...request.onBehalfOf];
  const inactive = involved.find((id) => !directory.standingOf(id, atMs)?.active);
  if (inactive !== undefined) return ['INACTIVE_IDENTITY', `${inactive} is disabled or past its end date`];
  return refuseTimes(request, atMs) ?? refuseOutliving(matter) ?? refuseEmergency(context, request);
}

function refuseTimes({ submittedAtMs, durationMs }: AccessRequest, atMs: number): Unfit | undefined {
  if (submittedAtMs > atMs + LIMITS.clockSkewMs) return ['STALE_SUBMISSION', 'it is dated in the future'];
  if (submittedAtMs + LIMITS.pendingLifeMs < atMs)
    return ['STALE_SUBMISSION', 'it was submitted too long ago'];
  if (!Number.isSafeInteger(durationMs) || durationMs <= 0)
    return ['DURATION_NOT_BOUNDED', 'a grant has a positive whole duration and ends by itself'];
  return undefined;
}

/** No grant outlives its beneficiary, its requester, or the people who answer for them (FRI-7). */
function refuseOutliving({ context, request, atMs, parties }: Matter): Unfit | undefined {
  const { directory } = context;
  for (const { id } of parties) {
    const endsAtMs = directory.identity(id)?.endsAtMs;
    if (endsAtMs !== undefined && endsAtMs < Math.max(atMs, request.notBeforeMs ?? 0) + request.durationMs)
      return ['OUTLIVES_IDENTITY', `${id} ends before the grant would`];
    if (!directory.standingOf(id, atMs)?.active)
      return ['INACTIVE_IDENTITY', `${id}, who answers for this request, is disabled or past their end date`];
  }
  return undefined;
}

/** Checks the record of the same people and identity: how often they asked, and which reviews are owed. */
function refuseByRecord(
  { askingAgain, emergencies }: PolicyContext,
  request: AccessRequest,
  { timesAsked, near, open, overdueReviews, recentEmergencies }: Bearing,
): Unfit | undefined {
  const within = formatDuration(askingAgain.within);
  if (timesAsked >= askingAgain.limit)
    return ['ASKED_TOO_OFTEN', `the same was asked ${timesAsked} times within ${within}, without access`];
  if (near >= askingAgain.nearLimit)
    return ['ASKED_TOO_OFTEN', `much the same was asked ${near} times within ${within}, without access`];
  if (open >= askingAgain.openLimit)
    return ['ASKED_TOO_OFTEN', `the same has been asked ${open} times and is not decided yet`];
  if (!request.emergency) return undefined;
  const [owed] = overdueReviews;
  if (owed !== undefined)
    return ['REVIEW_OVERDUE', `the review of ${owed} is overdue; it must be given before the next emergency`];
  if (recentEmergencies >= emergencies.limit)
    return [
      'TOO_MANY_EMERGENCIES',
      `${recentEmergencies} emergencies within ${formatDuration(emergencies.within)}; ask in the ordinary way`,
    ];
  return undefined;
}

function refuseEmergency({ emergencyConditions }: PolicyContext, request: AccessRequest): Unfit | undefined {
  const { emergency, emergencyCondition: condition } = request;
  if (!emergency) return undefined;
  if (condition === undefined || !emergencyConditions.has(condition))
    return ['EMERGENCY_NOT_NAMED', `an emergency names one of ${[...emergencyConditions].join(', ')}`];
  return undefined;
}
