import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Assessment } from '../../domain/assessment';
import { VERBS } from '../../domain/statement';
import { VERB_DESCRIPTORS } from '../../domain/verbs';
import type { EvidenceFile } from '../evidence/schema';
import { checkEnrolments } from './enrolments';
import { type Finding, finding } from './finding';
import type { Seat } from './seat-assignment';
import { approvalsAt, countedAt, pathInForce, seatsFilled, takesChannelOf } from './seats';
import {
  type CountedStatement,
  conflictedIn,
  countedStatements,
  submissionKeyOf,
  type WitnessedPrincipal,
} from './witness';

/*
 * Checks separation of duties from the signed statements and the directory alone. It shares no code with `decide`
 * and reads none of its state. From a verb's descriptor it reads only whether the verb is for people only.
 */

const GOVERNANCE = ['iam-operations', 'security-operations', 'policy-administrator', 'governance-delegate'];
const REVOKERS = ['iam-operations', 'security-operations', 'process-owner'];
const RECORDER = 'recorder';
const DAY_MS = 86_400_000;
const SKEW_MS = 60_000;
const LONGEST_MS = 30 * DAY_MS;
const LONGEST_EMERGENCY_MS = 8 * 3_600_000;
/** The most statements that can count for one request. */
const MOST_STATEMENTS = 64;

interface Case {
  readonly evidence: EvidenceFile;
  readonly statements: readonly CountedStatement[];
  readonly conflicted: ReadonlySet<string>;
  readonly assessment: Assessment | undefined;
  readonly rescuers: ReadonlySet<string>;
}

export function* checkDuties(evidence: EvidenceFile): Generator<Finding> {
  const accepted = acceptedIn(evidence);
  if (accepted.length > MOST_STATEMENTS)
    return yield finding('duties', 'steps', `more than ${MOST_STATEMENTS} statements counted`);
  const one = caseOf(evidence);
  if (accepted.length !== one.statements.length)
    yield finding('duties', 'steps', 'a statement that counted cannot be read');
  for (const statement of one.statements) yield* checkStatement(one, statement);
  const ids = one.statements.map(({ jti }) => jti);
  if (new Set(ids).size !== ids.length) yield finding('duties', 'steps', 'a statement counted twice');
  yield* checkGrant(one);
  yield* checkEnrolments(evidence);
}

/** Returns who filled the seats of a grant's stages; empty if there was no grant or they were not filled. */
export function seatsOf(evidence: EvidenceFile): readonly Seat[] {
  if (acceptedIn(evidence).length > MOST_STATEMENTS) return [];
  const one = caseOf(evidence);
  const grant = grantIn(evidence);
  const path = one.assessment?.path;
  if (grant === undefined || path === undefined) return [];
  return seatsFilled(path, one.statements, one.assessment?.privileged ?? true, grant.atMs) ?? [];
}

const acceptedIn = ({ steps }: EvidenceFile) =>
  steps.flatMap(({ events }) => events.filter(({ event }) => event.type === 'statement_accepted'));

function caseOf(evidence: EvidenceFile): Case {
  const statements = countedStatements(evidence);
  const assessed = evidence.steps.find(({ command }) => command.type === 'record_assessment')?.command;
  return {
    evidence,
    statements,
    conflicted: conflictedIn(evidence),
    assessment: assessed?.type === 'record_assessment' ? assessed.assessment : undefined,
    rescuers: new Set(
      statements.flatMap(({ verb, holder }) =>
        holder && (verb === 'reroute' || verb === 'endorse') ? [holder.id] : [],
      ),
    ),
  };
}

function requestIn({ steps }: EvidenceFile) {
  const command = steps[0]?.command;
  return command?.type === 'submit' ? command.submission.request : undefined;
}

function grantIn({ steps }: EvidenceFile) {
  for (const [step, { events }] of steps.entries())
    for (const [index, { event }] of events.entries())
      if (event.type === 'granted') return { ...event, where: `steps[${step}].events[${index}]` };
  return undefined;
}

function* checkStatement(one: Case, statement: CountedStatement): Generator<Finding> {
  for (const message of objectionsTo(one, statement)) yield finding('duties', statement.where, message);
}

function* objectionsTo(one: Case, statement: CountedStatement): Generator<string> {
  const { holder, receivedAtMs, iat, exp } = statement;
  const verb = VERBS.find((one) => one === statement.verb);
  if (holder === undefined) return yield 'the directory does not register the key';
  const request = requestIn(one.evidence);
  const digest = createHash('sha256')
    .update(canonicalize(request) ?? '')
    .digest('base64url');
  if (statement.digest !== `sha-256:${digest}`) yield 'the statement is about another request';
  if (!(iat * 1_000 <= receivedAtMs + SKEW_MS && receivedAtMs < exp * 1_000))
    yield 'the statement was not valid when it was received';
  const longestMs = longestLifeMs(one, statement);
  // The claims are seconds with fractions, so their difference can be off by less than a millisecond.
  if (Math.round((exp - iat) * 1_000) > longestMs)
    yield `the statement is valid for longer than ${longestMs === DAY_MS ? 'a day' : 'seven days'}`;
  if (!holder.active) yield `${holder.id} was not active`;
  if (verb === undefined) return yield `there is no verb ${statement.verb}`;
  if (VERB_DESCRIPTORS[verb].openTo === 'people' && !holder.id.startsWith('person/'))
    yield `${verb} by ${holder.id}, who is not a person`;
  if (holder.assurance === 'channel' && !mayChoose(one, statement, holder))
    yield `${verb} in ${holder.channel} by ${holder.id}, for which no stage takes that`;
  const governs = holder.roles.some((role) => GOVERNANCE.includes(role));
  const conflicted = one.conflicted.has(holder.id);
  switch (verb) {
    case 'approve':
    case 'deny':
      if (conflicted) yield `${verb} by ${holder.id}, who is in conflict`;
      if (governs) yield `${verb} by ${holder.id}, who has a governance role`;
      if (one.rescuers.has(holder.id)) yield `${verb} by ${holder.id}, who has rerouted the request`;
      return;
    case 'confirm':
      if (holder.id === request?.requester || statement.keyId === submissionKeyOf(one.evidence))
        yield `${verb} by ${holder.id}, who is the requester`;
      return;
    case 'reroute':
    case 'endorse':
      if (conflicted || !governs) yield `${holder.id} may not ${verb}`;
      if (isApprover(one, holder.id)) yield `${verb} by ${holder.id}, who is an approver`;
      yield* objectionsToReroute(one, statement);
      return;
    case 'cancel':
      if (conflicted || !holder.roles.includes('process-owner')) yield `${holder.id} may not cancel`;
      return;
    case 'withdraw':
      if (holder.id !== request?.requester && !isCarried(statement, request?.requester))
        yield `${verb} by ${holder.id}, who is not the requester`;
      return;
    case 'review':
      if (conflicted || tookPart(one, holder.id))
        yield `${verb} by ${holder.id}, who took part in the decision`;
      return;
    case 'revoke':
      if (!mayRevoke(one, holder)) yield `${verb} by ${holder.id}, who has no part in the request`;
      return;
    case 'report':
      if (
        holder.id.startsWith('person/') ||
        !holder.roles.includes(RECORDER) ||
        request?.kind !== 'execution'
      )
        yield `${verb} by ${holder.id}, who is not a recorder of executions`;
      return;
    default:
      verb satisfies never;
  }
}

/** A statement may live for a day; approvals and confirmations for seven, if a path says how long they count. */
function longestLifeMs({ assessment, statements }: Case, { verb }: CountedStatement): number {
  const paths = [assessment?.path, ...statements.map(({ alternative }) => alternative)];
  const isSaid = paths.some((path) => path?.approvalsCountForMs !== undefined);
  return isSaid && (verb === 'approve' || verb === 'confirm') ? 7 * DAY_MS : DAY_MS;
}

/** Returns true if a stage of that name takes what is chosen in the channel. Only approvals and denials are chosen. */
function mayChoose(
  { assessment, statements }: Case,
  { verb, stage }: CountedStatement,
  holder: WitnessedPrincipal,
): boolean {
  if (verb !== 'approve' && verb !== 'deny') return false;
  const paths = [assessment?.path, ...statements.map(({ alternative }) => alternative)];
  return paths.some((path) => path?.stages.some((one) => one.name === stage && takesChannelOf(one, holder)));
}

/** Returns true if a gateway made the statement for the requester. */
const isCarried = ({ holder, reporter }: CountedStatement, requester: string | undefined): boolean =>
  holder !== undefined &&
  !holder.id.startsWith('person/') &&
  holder.roles.includes('recorder') &&
  reporter === requester;

function* objectionsToReroute({ statements, conflicted }: Case, one: CountedStatement): Generator<string> {
  if (one.verb === 'endorse') {
    const proposed = statements.find(({ verb, jti }) => verb === 'reroute' && jti === one.endorses);
    if (proposed === undefined) yield 'the endorsed proposal does not exist';
    else if (proposed.holder?.id === one.holder?.id) yield 'the same governor proposed and endorsed';
    return;
  }
  if (!one.reasonCode || !one.ticket || !one.policyBasis) yield 'the reroute lacks its grounds';
  if (one.replacement === undefined && one.switchTo === undefined)
    yield 'the reroute names neither a replacement nor a path';
  if (one.replacement !== undefined && conflicted.has(one.replacement.with))
    yield `the replacement ${one.replacement.with} is in conflict`;
}

/** Returns true if someone may revoke: its holders; and people who approved it, are in conflict, or have a role for it. */
function mayRevoke({ evidence, statements, conflicted }: Case, { id, roles }: WitnessedPrincipal): boolean {
  const request = requestIn(evidence);
  if (id === request?.requester || id === request?.beneficiary) return true;
  const approved = statements.some(({ verb, holder }) => verb === 'approve' && holder?.id === id);
  const answers = approved || conflicted.has(id) || roles.some((role) => REVOKERS.includes(role));
  return id.startsWith('person/') && answers;
}

const isApprover = ({ assessment, statements }: Case, id: string): boolean =>
  (assessment?.path?.stages.some(({ eligible }) => eligible.includes(id)) ?? false) ||
  statements.some(
    ({ verb, replacement, alternative }) =>
      verb === 'reroute' &&
      (replacement?.with === id || alternative?.stages.some(({ eligible }) => eligible.includes(id))),
  );

const tookPart = ({ statements }: Case, id: string): boolean =>
  statements.some(
    ({ verb, holder }) => holder?.id === id && ['approve', 'confirm', 'reroute', 'endorse'].includes(verb),
  );

function* checkGrant(one: Case): Generator<Finding> {
  const grant = grantIn(one.evidence);
  if (grant === undefined) return;
  for (const message of objectionsToGrant(one, grant)) yield finding('duties', grant.where, message);
}

function* objectionsToGrant(
  { evidence, assessment, statements, conflicted }: Case,
  { atMs, lease, reviewDueAtMs }: NonNullable<ReturnType<typeof grantIn>>,
): Generator<string> {
  const request = requestIn(evidence);
  if (request === undefined || assessment === undefined) return yield 'there is no request or no assessment';
  const longestMs = Math.min(
    request.durationMs,
    assessment.maxDurationMs,
    request.emergency ? LONGEST_EMERGENCY_MS : LONGEST_MS,
  );
  const { confirmation, path, privileged } = assessment;
  const approvals = path === undefined ? [] : approvalsAt(path, statements, privileged, atMs);
  const approvedMs = Math.min(longestMs, ...approvals.map(({ durationMs }) => durationMs ?? longestMs));
  if (request.durationMs > longestMs || lease.expiresAtMs > atMs + approvedMs)
    yield 'the grant lasts too long';
  if (request.notBeforeMs !== undefined && lease.grantedAtMs < request.notBeforeMs - SKEW_MS)
    yield 'access was given before it was to begin';
  if (assessment.outcome !== 'permit' && assessment.outcome !== 'approve')
    yield `policy said ${assessment.outcome}`;
  if (request.emergency && reviewDueAtMs === undefined) yield 'an emergency grant without a review';
  const countsForMs =
    path === undefined ? DAY_MS : pathInForce(path, statements, privileged, atMs).countsForMs;
  const confirmed = statements.some(
    ({ verb, holder, iat, exp }) =>
      verb === 'confirm' &&
      holder !== undefined &&
      confirmation?.by.includes(holder.id) &&
      countedAt({ iat, exp }, { countsForMs }, atMs),
  );
  if (confirmation !== undefined && !confirmed) yield 'the confirmation is missing';
  if (assessment.outcome === 'permit') return;
  if (path === undefined || path.stages.length === 0) return yield 'the approval has no path';
  for (const { eligible, name } of pathInForce(path, statements, privileged, atMs).stages)
    for (const id of eligible)
      if (conflicted.has(id)) yield `${id} may decide stage ${name}, but is in conflict`;
  if (seatsFilled(path, statements, privileged, atMs) === undefined)
    yield 'the approvals do not fill the stages with distinct people';
}
