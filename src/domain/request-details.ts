import { withMarks } from './characters';
import { nextDeadline } from './clock';
import { inOrder, type PathChange } from './path-change';
import { entitlementName } from './request';
import { awaited, stagesOf } from './stages';
import { assessmentOf, type GrantedState, type ReadState, type RequestState } from './state';

/**
 * What an operator reads in the Temporal UI: where the request stands, who is awaited, when it ends. Names identities,
 * reason codes and times; never the free text of a request, which may hold anything.
 */
export function requestDetails(state: RequestState): string {
  return [...heading(state), ...(state.phase === 'unread' ? [] : timeline(state)), ...attempts(state)].join(
    '\n\n',
  );
}

/** The server refuses details of more than 20 kB, so long lists are cut, and say so. */
const SHOWN_LINES = 16;
const SHOWN_NAMES = 64;

const firstOf = (all: readonly string[], most: number): readonly string[] =>
  all.length <= most ? all : [...all.slice(0, most), `and ${all.length - most} more`];

function* heading(state: RequestState): Generator<string> {
  if (state.phase === 'unread') {
    yield `**${state.status}**`;
    yield `refused before it could be read: ${state.rejection.code}`;
    return;
  }
  const { request } = state.submission;
  yield `**${state.status}**${request.emergency ? ' (emergency)' : ''}`;
  yield `${entitlementName(request.entitlement)} for ${request.beneficiary}, asked by ${request.requester}`;
  if (request.notBeforeMs !== undefined) yield `not before ${iso(request.notBeforeMs)}`;
  if (request.ticket !== undefined) yield `ticket ${withMarks(request.ticket)}`;
  yield `digest ${state.digest}`;
}

function* timeline(state: ReadState): Generator<string> {
  const { review } = state;
  const assessment = assessmentOf(state);
  if (assessment !== undefined) {
    const policies = assessment.determiningPolicies.join(', ') || 'none';
    yield `policy: ${assessment.outcome} (${assessment.reasonCodes.join(', ')}), by ${policies}`;
  }
  for (const { by, stage, durationMs } of state.approvals)
    yield `approved by ${by} at ${stage}${durationMs === undefined ? '' : ` for ${durationMs / 60_000} minutes`}`;
  if (state.confirmation !== undefined) yield `confirmed by ${state.confirmation.by}`;
  const precedents = (assessment?.precedents ?? []).map(
    ({ kind, id, about, by }) => `before: ${kind} of ${about}, ${id}${by === undefined ? '' : `, by ${by}`}`,
  );
  yield* firstOf(precedents, SHOWN_LINES);
  const delegations = delegationsIn(state).map(
    ({ stage, from, to }) => `${to} may decide ${stage} for ${from}`,
  );
  yield* firstOf(delegations, SHOWN_LINES);
  for (const change of inOrder(state.pathChanges)) yield changeLine(change);
  const waiting = awaited(state);
  if (waiting.length > 0) yield `awaiting ${firstOf(waiting, SHOWN_NAMES).join(', ')}`;
  if (state.phase === 'granted') yield* access(state);
  if (state.phase === 'ungranted' && state.held !== undefined)
    yield `access was there ${iso(state.held.lease.grantedAtMs)} to ${iso(state.held.endedAtMs)}, and nobody heard of it`;
  if (state.status === 'failed') yield `not carried out: ${state.failure.code}`;
  if (review.phase === 'due' || review.phase === 'overdue')
    yield `review ${review.phase}: ${iso(review.dueAtMs)}`;
  if (review.phase === 'done') yield `reviewed by ${review.by}: ${review.verdict}`;
  const deadline = nextDeadline(state);
  if (deadline !== undefined) yield `next: ${deadline.summary} at ${iso(deadline.atMs)}`;
}

function* access({ lease, ended }: GrantedState): Generator<string> {
  yield `granted ${iso(lease.grantedAtMs)}, ends ${iso(lease.expiresAtMs)}`;
  if (ended === undefined) return;
  const cause = ended.cause === undefined ? '' : ` (${ended.cause})`;
  yield `ended ${iso(ended.atMs)}${cause}, before it was told to`;
}

function changeLine(change: PathChange): string {
  const { kind, record, phase } = change;
  if (kind === 'switch')
    return `switch ${phase}: path ${record.from} → ${record.path.name}${groundsOf(change)}`;
  const { emergency, replace, with: substitute, stage } = record;
  const condition = emergency === undefined ? '' : ` (emergency: ${emergency.condition})`;
  return `reroute ${phase}${condition}: ${replace} → ${substitute} at ${stage}${groundsOf(change)}`;
}

/** Until when, by whom, why, by which policy, and whether a second governor was needed and has spoken (OVR-5). */
function groundsOf({ record, endorsedBy }: PathChange): string {
  const { untilMs, by, reasonCode, ticket, policyBasis, policyDigest, endorsementNeeded } = record;
  const needed = endorsementNeeded ? ', endorsement needed' : ', no endorsement needed';
  const second = endorsedBy === undefined ? needed : `, endorsed by ${endorsedBy}`;
  return ` until ${iso(untilMs)}, by ${by}${second}, ${reasonCode}, ${ticket}, ${policyBasis}, policy ${policyDigest}`;
}

function delegationsIn(state: RequestState) {
  const stages = state.status === 'awaiting_approval' ? stagesOf(state) : [];
  return stages.flatMap(({ name, delegations = [] }) => delegations.map((one) => ({ stage: name, ...one })));
}

function* attempts(state: RequestState): Generator<string> {
  if (state.refusalCount > 0) yield `refused attempts: ${state.refusalCount}`;
  for (const { refusal, verb, by } of state.refusals.slice(-5))
    yield `- ${refusal.code}: ${verb ?? 'unreadable'} by ${by ?? 'unknown'}`;
}

const iso = (atMs: number): string => new Date(atMs).toISOString();
