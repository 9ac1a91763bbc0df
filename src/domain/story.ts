import { nextDeadline } from './clock';
import { entitlementName } from './request';
import { awaited, type RequestState } from './state';

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
  const { assessment, lease, review, failure } = state;
  if (assessment !== undefined) {
    const policies = assessment.determiningPolicies.join(', ') || 'none';
    yield `policy: ${assessment.outcome} (${assessment.reasonCodes.join(', ')}), by ${policies}`;
  }
  for (const { by, stage } of state.approvals) yield `approved by ${by} at ${stage}`;
  if (state.confirmation !== undefined) yield `confirmed by ${state.confirmation.by}`;
  for (const one of state.reroutes) {
    const endorsed = one.endorsedBy === undefined ? '' : `, endorsed by ${one.endorsedBy}`;
    yield `reroute ${one.phase}: ${one.replace} → ${one.with} at ${one.stage} until ${iso(one.untilMs)}, by ${one.by}${endorsed}, ${one.reasonCode}, ${one.ticket}, ${one.policyBasis}, policy ${one.policyDigest}`;
  }
  const waiting = awaited(state);
  if (waiting.length > 0) yield `awaiting ${waiting.join(', ')}`;
  if (lease !== undefined) yield `granted ${iso(lease.grantedAtMs)}, ends ${iso(lease.expiresAtMs)}`;
  if (failure !== undefined) yield `not carried out: ${failure.code}`;
  if (review.phase === 'due' || review.phase === 'overdue')
    yield `review ${review.phase}: ${iso(review.dueAtMs)}`;
  if (review.phase === 'done') yield `reviewed by ${review.by}: ${review.verdict}`;
  const deadline = nextDeadline(state);
  if (deadline !== undefined) yield `next: ${deadline.summary} at ${iso(deadline.atMs)}`;
}

function* attempts(state: RequestState): Generator<string> {
  if (state.refusalCount > 0) yield `refused attempts: ${state.refusalCount}`;
  for (const { refusal, verb, by } of state.refusals.slice(-5))
    yield `- ${refusal.code}: ${verb ?? 'unreadable'} by ${by ?? 'unknown'}`;
}

const iso = (atMs: number): string => new Date(atMs).toISOString();
