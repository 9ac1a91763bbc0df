import type { DirectoryBook } from '../directory/directory-book';
import type { ApprovalPath, Assessment, Party, ReasonCode, Stage } from '../domain/assessment';
import type { Digest } from '../domain/digest';
import { LIMITS } from '../domain/limits';
import { NO_PRECEDENTS, type Precedents } from '../domain/precedents';
import type { PrincipalId } from '../domain/principal';
import type { AccessRequest } from '../domain/request';
import { grantCeilingMs } from '../domain/rules/soundness';
import { type Bearing, bearingOf } from './bearing';
import type { Catalog, CatalogEntry } from './catalog';
import type { CedarEngine } from './cedar-engine';
import { type Presented, questionOf } from './cedar-question';
import { withDelegates } from './delegates';
import { formatDuration } from './duration';
import { deciders, decidersOfPaths, partiesOf, resolvePath } from './eligibility';
import type { AskingAgainRules, EmergencyRules, PathDefinition } from './paths-file';
import type { PermitRule } from './policy-rule';
import { heldToEarlierApprovers } from './same-approvers';
import { strictestTerms, type Terms } from './terms';
import { Verdict } from './verdict';

/** What an assessment is made from: one version of everything that policy consists of. */
export interface PolicyBook {
  readonly digest: Digest;
  readonly directory: DirectoryBook;
  readonly catalog: Catalog;
  readonly engine: CedarEngine;
  readonly paths: ReadonlyMap<string, PathDefinition>;
  readonly emergencyConditions: ReadonlySet<string>;
  readonly emergencies: EmergencyRules;
  readonly askingAgain: AskingAgainRules;
  readonly scrutiny: ReadonlyMap<string, string>;
  readonly reviewers: string;
}

/**
 * What policy says of a request. The order is that of severity: what is a control is stopped before anything else is
 * looked at, so that no other refusal hides it; then who they are, how long, what the policies say, who can decide.
 */
export function assess(
  book: PolicyBook,
  request: AccessRequest,
  atMs: number,
  precedents: Precedents = NO_PRECEDENTS,
  presented?: Presented,
): Assessment {
  const entry = book.catalog.entry(request.entitlement);
  if (entry === undefined)
    return new Verdict(book, request, atMs).refuse(
      'UNKNOWN_ENTITLEMENT',
      'the catalog has no such entitlement',
    );
  const matter = matterOf(book, request, entry, precedents, atMs);
  const { bearing } = matter;
  const verdict = new Verdict(book, request, atMs, bearing);
  if (entry.weakens !== undefined) {
    const { effect, title, safeWay } = entry.weakens;
    return verdict.stop('CONTROL_WEAKENING', `it ${effect} a control: ${title}`, [], safeWay);
  }
  const unfit =
    refuseWrongKind(entry, request) ?? refuseUnfit(matter) ?? refuseByRecord(book, request, bearing);
  if (unfit !== undefined) return verdict.refuse(...unfit);
  const answer = book.engine.ask(questionOf(book.directory, entry, request, bearing, atMs, presented));
  if (answer.decision === 'error')
    return verdict.refuse('FORBIDDEN_BY_POLICY', 'a policy could not be evaluated');
  const forbids = answer.rules.filter((rule) => rule.effect === 'forbid');
  if (answer.decision === 'forbid' && forbids.length > 0) return verdict.forbidden(forbids);
  const permits = answer.rules
    .filter((rule) => rule.effect === 'permit')
    .filter((rule) => counts(rule, request));
  if (permits.length === 0) return verdict.refuse('NO_MATCHING_POLICY', 'no policy permits it');
  return letThrough(matter, permits, verdict);
}

interface Matter {
  readonly book: PolicyBook;
  readonly request: AccessRequest;
  readonly atMs: number;
  readonly entry: CatalogEntry;
  readonly bearing: Bearing;
  readonly parties: readonly Party[];
  /** Who of them, in whichever relation, decides nothing of it. */
  readonly conflicted: ReadonlySet<PrincipalId>;
}

function matterOf(
  book: PolicyBook,
  request: AccessRequest,
  entry: CatalogEntry,
  precedents: Precedents,
  atMs: number,
): Matter {
  const parties = partiesOf(request, book.directory);
  const conflicted = new Set(parties.map((party) => party.id));
  return {
    book,
    request,
    atMs,
    entry,
    bearing: bearingOf(precedents, request, entry, book, atMs),
    parties,
    conflicted,
  };
}

function letThrough(matter: Matter, permits: readonly PermitRule[], verdict: Verdict): Assessment {
  const { book, request, atMs, entry, bearing, parties, conflicted } = matter;
  const { directory } = book;
  const ids = permits.map((rule) => rule.id);
  const combined = strictestTerms(permits, book.paths, entry.owners, grantCeilingMs(request));
  if (!combined.ok) return verdict.refuse('POLICIES_DISAGREE', combined.why, ids);
  const { terms } = combined;
  if (request.durationMs > terms.maxDurationMs)
    return verdict.refuse(
      'DURATION_OVER_LIMIT',
      `the longest is ${formatDuration(terms.maxDurationMs)}`,
      ids,
    );
  const { accounts } = directory.identity(request.beneficiary) ?? {};
  // Whoever executes an action needs no account where it is carried out: the one who carries it out has it.
  const ownName = request.kind === 'execution' ? request.beneficiary : undefined;
  const account = accounts?.[entry.entitlement.connector] ?? ownName;
  if (account === undefined)
    return verdict.refuse('NO_ACCOUNT_ON_TARGET', `${request.beneficiary} has no account there`, ids);
  const confirmation = confirmationOf(terms, parties);
  const reviewers = deciders([terms.path?.reviewers ?? book.reviewers], conflicted, directory, atMs);
  const others = new Set([...reviewers, ...(confirmation?.by ?? [])]);
  const path = terms.path && pathFor(matter, terms.path, others);
  const empty = path?.stages.find((stage) => stage.eligible.length < stage.quorum);
  if (empty !== undefined) return verdict.refuse('NOBODY_CAN_APPROVE', whyEmpty(empty, bearing), ids);
  if (confirmation?.by.length === 0)
    return verdict.refuse('NOBODY_CAN_APPROVE', 'nobody could confirm the request', ids);
  return {
    ...verdict.base(ids),
    outcome: path === undefined ? 'permit' : 'approve',
    reasonCodes: [path === undefined ? 'PERMITTED_BY_POLICY' : 'APPROVAL_NEEDED'],
    explanation: path === undefined ? 'permitted by policy alone' : `needs approval by the path ${path.name}`,
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

/** A path resolved to people, held to those who were asked before. `others` have another part in the request. */
function pathFor(
  { book, atMs, entry, bearing, conflicted }: Matter,
  definition: PathDefinition,
  others: ReadonlySet<PrincipalId>,
): ApprovalPath {
  const { directory, askingAgain } = book;
  const decidersAmong = (people: readonly PrincipalId[]) =>
    decidersOfPaths(people, book.paths, conflicted, directory, atMs);
  const named = resolvePath(definition, entry.owners, conflicted, directory, atMs);
  const held = heldToEarlierApprovers(named, bearing, decidersAmong, askingAgain.raiseQuorumBy);
  return withDelegates(held, new Set([...conflicted, ...others]), directory, atMs);
}

/** Another path that the bundle offers in place of one, as it would be for this request; nothing where it does not. */
export function alternativePath(
  book: PolicyBook,
  request: AccessRequest,
  atMs: number,
  from: string,
  to: string,
  precedents: Precedents = NO_PRECEDENTS,
): ApprovalPath | undefined {
  const entry = book.catalog.entry(request.entitlement);
  const definition = book.paths.get(to);
  if (entry === undefined || definition === undefined) return undefined;
  if (book.paths.get(from)?.alternatives.includes(to) !== true) return undefined;
  const reviewers = deciders([definition.reviewers ?? book.reviewers], new Set(), book.directory, atMs);
  return pathFor(matterOf(book, request, entry, precedents, atMs), definition, new Set(reviewers));
}

function whyEmpty({ name }: Stage, { before }: Bearing): string {
  if (before.length === 0) return `stage ${name} has too few people who may decide`;
  return `it was asked before, and too few of those who were asked then may decide stage ${name} now`;
}

function confirmationOf({ confirmation }: Terms, parties: readonly Party[]): Assessment['confirmation'] {
  if (confirmation === undefined) return undefined;
  const by = parties.filter((party) => party.relation === confirmation.relation).map((party) => party.id);
  return { by: [...new Set(by)], before: confirmation.before };
}

/** An emergency is let through by the policies of its condition and by no others, and they let through nothing else. */
const counts = (rule: PermitRule, { emergency, emergencyCondition }: AccessRequest): boolean =>
  emergency
    ? rule.emergency !== undefined && rule.emergency === emergencyCondition
    : rule.emergency === undefined;

type Unfit = readonly [ReasonCode, string];

/** Access is asked for as access, an action as an action, with all that its approvers have to see (AGE-5). */
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

function refuseUnfit(matter: Matter): Unfit | undefined {
  const { book, request, atMs } = matter;
  const { directory } = book;
  if (directory.identity(request.requester) === undefined)
    return ['UNKNOWN_REQUESTER', `the directory does not know ${request.requester}`];
  if (directory.identity(request.beneficiary) === undefined)
    return ['UNKNOWN_BENEFICIARY', `the directory does not know ${request.beneficiary}`];
  const stranger = request.onBehalfOf.find((id) => directory.identity(id) === undefined);
  if (stranger !== undefined) return ['UNKNOWN_DELEGATOR', `the directory does not know ${stranger}`];
  const involved = [request.requester, request.beneficiary, ...request.onBehalfOf];
  const inactive = involved.find((id) => !directory.standingOf(id, atMs)?.active);
  if (inactive !== undefined) return ['INACTIVE_IDENTITY', `${inactive} is disabled or past its end date`];
  return refuseTimes(request, atMs) ?? refuseOutliving(matter) ?? refuseEmergency(book, request);
}

function refuseTimes({ submittedAtMs, durationMs }: AccessRequest, atMs: number): Unfit | undefined {
  if (submittedAtMs > atMs + LIMITS.clockSkewMs) return ['STALE_SUBMISSION', 'it is dated in the future'];
  if (submittedAtMs + LIMITS.pendingLifeMs < atMs)
    return ['STALE_SUBMISSION', 'it was submitted too long ago'];
  if (!Number.isSafeInteger(durationMs) || durationMs <= 0)
    return ['DURATION_NOT_BOUNDED', 'a grant has a positive whole duration and ends by itself'];
  return undefined;
}

/** No grant outlives the identity it is for, who asks for it, or the people who answer for them (FRI-7). */
function refuseOutliving({ book, request, atMs, parties }: Matter): Unfit | undefined {
  const { directory } = book;
  for (const { id } of parties) {
    const endsAtMs = directory.identity(id)?.endsAtMs;
    if (endsAtMs !== undefined && endsAtMs < atMs + request.durationMs)
      return ['OUTLIVES_IDENTITY', `${id} ends before the grant would`];
    if (!directory.standingOf(id, atMs)?.active)
      return ['INACTIVE_IDENTITY', `${id}, who answers for this request, is disabled or past their end date`];
  }
  return undefined;
}

/** What is on record of the same people and identity: how often they asked, and what they still owe. */
function refuseByRecord(
  { askingAgain, emergencies }: PolicyBook,
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

function refuseEmergency({ emergencyConditions }: PolicyBook, request: AccessRequest): Unfit | undefined {
  const { emergency, emergencyCondition: condition } = request;
  if (!emergency) return undefined;
  if (condition === undefined || !emergencyConditions.has(condition))
    return ['EMERGENCY_NOT_NAMED', `an emergency names one of ${[...emergencyConditions].join(', ')}`];
  return undefined;
}
