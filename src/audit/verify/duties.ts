import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Assessment } from '../../domain/assessment';
import type { EvidenceFile } from '../evidence/schema';
import { type Finding, finding } from './finding';
import { pathInForce, seatsFilled } from './seats';
import { conflictedIn, type Holder, type Said, saidIn, submissionKeyOf } from './witness';

/*
 * Separation of duties, reckoned from the signed statements and the directory alone. It shares no code with `decide`
 * and looks at none of its state.
 */

const GOVERNANCE = ['iam-operations', 'security-operations', 'policy-administrator', 'governance-delegate'];
const PEOPLE_ONLY = ['approve', 'deny', 'confirm', 'reroute', 'endorse', 'cancel', 'review'];
const REVOKERS = ['iam-operations', 'security-operations', 'process-owner'];
const RECORDER = 'recorder';
const DAY_MS = 86_400_000;
const SKEW_MS = 60_000;
const LONGEST_MS = 30 * DAY_MS;
const LONGEST_EMERGENCY_MS = 8 * 3_600_000;
/** No request lets more statements count than this. */
const MOST_STATEMENTS = 64;

interface Case {
  readonly evidence: EvidenceFile;
  readonly said: readonly Said[];
  readonly conflicted: ReadonlySet<string>;
  readonly assessment: Assessment | undefined;
  readonly rescuers: ReadonlySet<string>;
}

/** Who decided in which stage, in whose place: what an auditor is shown as the proof that duties were separate. */
export interface Seat {
  readonly stage: string;
  readonly by: string;
  readonly place: string;
}

export function* checkDuties(evidence: EvidenceFile): Generator<Finding> {
  const accepted = acceptedIn(evidence);
  if (accepted.length > MOST_STATEMENTS)
    return yield finding('duties', 'steps', `more statements counted than the ${MOST_STATEMENTS} that can`);
  const one = caseOf(evidence);
  if (accepted.length !== one.said.length)
    yield finding('duties', 'steps', 'a statement that counted cannot be read');
  for (const said of one.said) yield* checkStatement(one, said);
  const ids = one.said.map(({ jti }) => jti);
  if (new Set(ids).size !== ids.length) yield finding('duties', 'steps', 'a statement counted twice');
  yield* checkGrant(one);
}

/** The seats of a grant's stages, or nothing where there was no grant or the seats were not filled. */
export function seatsOf(evidence: EvidenceFile): readonly Seat[] {
  if (acceptedIn(evidence).length > MOST_STATEMENTS) return [];
  const one = caseOf(evidence);
  const grant = grantIn(evidence);
  const path = one.assessment?.path;
  if (grant === undefined || path === undefined) return [];
  return seatsFilled(path, one.said, one.assessment?.privileged ?? true, grant.atMs) ?? [];
}

const acceptedIn = ({ steps }: EvidenceFile) =>
  steps.flatMap(({ events }) => events.filter(({ event }) => event.type === 'statement_accepted'));

function caseOf(evidence: EvidenceFile): Case {
  const said = saidIn(evidence);
  const assessed = evidence.steps.find(({ command }) => command.type === 'record_assessment')?.command;
  return {
    evidence,
    said,
    conflicted: conflictedIn(evidence),
    assessment: assessed?.type === 'record_assessment' ? assessed.assessment : undefined,
    rescuers: new Set(
      said.flatMap(({ verb, holder }) =>
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

function* checkStatement(one: Case, said: Said): Generator<Finding> {
  for (const message of objectionsTo(one, said)) yield finding('duties', said.where, message);
}

function* objectionsTo(one: Case, said: Said): Generator<string> {
  const { holder, verb, heardAtMs, iat, exp } = said;
  if (holder === undefined) return yield 'nobody in the directory holds the key';
  const request = requestIn(one.evidence);
  const digest = createHash('sha256')
    .update(canonicalize(request) ?? '')
    .digest('base64url');
  if (said.digest !== `sha-256:${digest}`) yield 'it was said of another request';
  if (!(iat * 1_000 <= heardAtMs + SKEW_MS && heardAtMs < exp * 1_000)) yield 'it was not in force';
  if ((exp - iat) * 1_000 > DAY_MS) yield 'it lives longer than a day';
  if (!holder.active) yield `${holder.id} was not active`;
  if (PEOPLE_ONLY.includes(verb) && !holder.id.startsWith('person/'))
    yield `${holder.id} is not a person and did ${verb}`;
  const governs = holder.roles.some((role) => GOVERNANCE.includes(role));
  const conflicted = one.conflicted.has(holder.id);
  switch (verb) {
    case 'approve':
    case 'deny':
      if (conflicted) yield `${holder.id} is in conflict and did ${verb}`;
      if (governs) yield `${holder.id} governs and did ${verb}`;
      if (one.rescuers.has(holder.id)) yield `${holder.id} rerouted it and did ${verb}`;
      return;
    case 'confirm':
      if (holder.id === request?.requester || said.keyId === submissionKeyOf(one.evidence))
        yield `${holder.id} asked for it and confirmed it`;
      return;
    case 'reroute':
    case 'endorse':
      if (conflicted || !governs) yield `${holder.id} may not ${verb}`;
      if (isApprover(one, holder.id)) yield `${holder.id} is an approver and did ${verb}`;
      yield* objectionsToReroute(one, said);
      return;
    case 'cancel':
      if (conflicted || !holder.roles.includes('process-owner')) yield `${holder.id} may not cancel`;
      return;
    case 'withdraw':
      if (holder.id !== request?.requester && !isCarried(said, request?.requester))
        yield `${holder.id} is not who asked`;
      return;
    case 'review':
      if (conflicted || tookPart(one, holder.id)) yield `${holder.id} reviewed their own work`;
      return;
    case 'revoke':
      if (!mayRevoke(one, holder)) yield `${holder.id} has no part in it and did revoke`;
      return;
    case 'report':
      if (
        holder.id.startsWith('person/') ||
        !holder.roles.includes(RECORDER) ||
        request?.kind !== 'execution'
      )
        yield `${holder.id} keeps no record of this and did report`;
      return;
    default:
      yield `there is no verb ${verb}`;
  }
}

/** A gateway carries the word of who asked, as it carries what they ask. */
const isCarried = ({ holder, reporter }: Said, requester: string | undefined): boolean =>
  holder !== undefined &&
  !holder.id.startsWith('person/') &&
  holder.roles.includes('recorder') &&
  reporter === requester;

function* objectionsToReroute({ said, conflicted }: Case, one: Said): Generator<string> {
  if (one.verb === 'endorse') {
    const proposed = said.find(({ verb, jti }) => verb === 'reroute' && jti === one.endorses);
    if (proposed === undefined) yield 'it endorses nothing';
    else if (proposed.holder?.id === one.holder?.id) yield 'the same governor proposed and endorsed';
    return;
  }
  if (!one.reasonCode || !one.ticket || !one.policyBasis) yield 'a reroute without its grounds';
  if (one.replacement === undefined && one.switchTo === undefined) yield 'a reroute to nobody';
  if (one.replacement !== undefined && conflicted.has(one.replacement.with))
    yield `${one.replacement.with} is in conflict`;
}

/** Whoever has it gives it back; people who answer for it, approved it or keep order take it away. */
function mayRevoke({ evidence, said, conflicted }: Case, { id, roles }: Holder): boolean {
  const request = requestIn(evidence);
  if (id === request?.requester || id === request?.beneficiary) return true;
  const approved = said.some(({ verb, holder }) => verb === 'approve' && holder?.id === id);
  const answers = approved || conflicted.has(id) || roles.some((role) => REVOKERS.includes(role));
  return id.startsWith('person/') && answers;
}

const isApprover = ({ assessment, said }: Case, id: string): boolean =>
  (assessment?.path?.stages.some(({ eligible }) => eligible.includes(id)) ?? false) ||
  said.some(
    ({ verb, replacement, alternative }) =>
      verb === 'reroute' &&
      (replacement?.with === id || alternative?.stages.some(({ eligible }) => eligible.includes(id))),
  );

const tookPart = ({ said }: Case, id: string): boolean =>
  said.some(
    ({ verb, holder }) => holder?.id === id && ['approve', 'confirm', 'reroute', 'endorse'].includes(verb),
  );

function* checkGrant(one: Case): Generator<Finding> {
  const grant = grantIn(one.evidence);
  if (grant === undefined) return;
  for (const message of objectionsToGrant(one, grant)) yield finding('duties', grant.where, message);
}

function* objectionsToGrant(
  { evidence, assessment, said, conflicted }: Case,
  { atMs, lease, reviewDueAtMs }: NonNullable<ReturnType<typeof grantIn>>,
): Generator<string> {
  const request = requestIn(evidence);
  if (request === undefined || assessment === undefined) return yield 'nothing was asked for or assessed';
  const longestMs = Math.min(
    request.durationMs,
    assessment.maxDurationMs,
    request.emergency ? LONGEST_EMERGENCY_MS : LONGEST_MS,
  );
  if (request.durationMs > longestMs || lease.expiresAtMs > atMs + longestMs) yield 'the grant is too long';
  if (assessment.outcome !== 'permit' && assessment.outcome !== 'approve')
    yield `policy said ${assessment.outcome}`;
  if (request.emergency && reviewDueAtMs === undefined) yield 'an emergency without a review';
  const { confirmation, path, privileged } = assessment;
  const confirmed = said.some(
    ({ verb, holder, exp }) =>
      verb === 'confirm' &&
      holder !== undefined &&
      confirmation?.by.includes(holder.id) &&
      atMs < exp * 1_000,
  );
  if (confirmation !== undefined && !confirmed) yield 'it was not confirmed';
  if (assessment.outcome === 'permit') return;
  if (path === undefined || path.stages.length === 0) return yield 'it was approved by no path';
  for (const { eligible, name } of pathInForce(path, said, privileged, atMs).stages)
    for (const id of eligible)
      if (conflicted.has(id)) yield `${id} may decide stage ${name}, and is in conflict`;
  if (seatsFilled(path, said, privileged, atMs) === undefined)
    yield 'the approvals do not fill the stages with distinct people';
}
