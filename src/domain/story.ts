import { nextDeadline } from './clock';
import { entitlementName } from './request';
import { awaited, currentPath, type RequestState, type RerouteInState, type SwitchInState } from './state';

/**
 * What an operator reads in the Temporal UI: where the request stands, who is awaited, when it ends. Names identities,
 * reason codes and times; never the free text of a request, which may hold anything.
 */
export function storyOf(state: RequestState): string {
  return [...heading(state), ...course(state), ...attempts(state)].join('\n\n');
}

function* heading(state: RequestState): Generator<string> {
  const request = state.submission?.request;
  yield `**${state.status}**${request?.emergency ? ' (emergency)' : ''}`;
  if (request === undefined) {
    yield `refused before it could be read: ${state.rejection?.code ?? 'unknown'}`;
    return;
  }
  yield `${entitlementName(request.entitlement)} for ${request.beneficiary}, asked by ${request.requester}`;
  if (request.ticket !== undefined) yield `ticket ${request.ticket}`;
  yield `digest ${state.digest ?? 'unknown'}`;
}

function* course(state: RequestState): Generator<string> {
  const { assessment, lease, ended, held, review, failure } = state;
  if (assessment !== undefined) {
    const policies = assessment.determiningPolicies.join(', ') || 'none';
    yield `policy: ${assessment.outcome} (${assessment.reasonCodes.join(', ')}), by ${policies}`;
  }
  for (const { by, stage } of state.approvals) yield `approved by ${by} at ${stage}`;
  if (state.confirmation !== undefined) yield `confirmed by ${state.confirmation.by}`;
  for (const { kind, id, about, by } of assessment?.precedents ?? [])
    yield `before: ${kind} of ${about}, ${id}${by === undefined ? '' : `, by ${by}`}`;
  for (const { stage, from, to } of delegationsIn(state)) yield `${to} may decide ${stage} for ${from}`;
  for (const one of state.reroutes) {
    const emergency = one.emergency === undefined ? '' : ` (emergency: ${one.emergency.condition})`;
    yield `reroute ${one.phase}${emergency}: ${one.replace} → ${one.with} at ${one.stage}${groundsOf(one)}`;
  }
  for (const one of state.switches ?? [])
    yield `switch ${one.phase}: path ${one.from} → ${one.path.name}${groundsOf(one)}`;
  const waiting = awaited(state);
  if (waiting.length > 0) yield `awaiting ${waiting.join(', ')}`;
  if (lease !== undefined) yield `granted ${iso(lease.grantedAtMs)}, ends ${iso(lease.expiresAtMs)}`;
  if (ended !== undefined)
    yield `ended ${iso(ended.atMs)}${ended.cause === undefined ? '' : ` (${ended.cause})`}, before it was told to`;
  if (held !== undefined)
    yield `access was there ${iso(held.lease.grantedAtMs)} to ${iso(held.endedAtMs)}, and nobody heard of it`;
  if (failure !== undefined) yield `not carried out: ${failure.code}`;
  if (review.phase === 'due' || review.phase === 'overdue')
    yield `review ${review.phase}: ${iso(review.dueAtMs)}`;
  if (review.phase === 'done') yield `reviewed by ${review.by}: ${review.verdict}`;
  const deadline = nextDeadline(state);
  if (deadline !== undefined) yield `next: ${deadline.summary} at ${iso(deadline.atMs)}`;
}

/** Until when, by whom, why, by which policy, and whether a second governor was needed and has spoken (OVR-5). */
function groundsOf(change: RerouteInState | SwitchInState): string {
  const { untilMs, by, reasonCode, ticket, policyBasis, policyDigest, endorsementNeeded, endorsedBy } =
    change;
  const needed = endorsementNeeded ? ', endorsement needed' : ', no endorsement needed';
  const second = endorsedBy === undefined ? needed : `, endorsed by ${endorsedBy}`;
  return ` until ${iso(untilMs)}, by ${by}${second}, ${reasonCode}, ${ticket}, ${policyBasis}, policy ${policyDigest}`;
}

function delegationsIn(state: RequestState) {
  const stages = state.status === 'awaiting_approval' ? (currentPath(state)?.stages ?? []) : [];
  return stages.flatMap(({ name, delegations = [] }) => delegations.map((one) => ({ stage: name, ...one })));
}

function* attempts(state: RequestState): Generator<string> {
  if (state.refusalCount > 0) yield `refused attempts: ${state.refusalCount}`;
  for (const { refusal, verb, by } of state.refusals.slice(-5))
    yield `- ${refusal.code}: ${verb ?? 'unreadable'} by ${by ?? 'unknown'}`;
}

const iso = (atMs: number): string => new Date(atMs).toISOString();
