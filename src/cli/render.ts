import type { RequestRow, RequestView } from '../client';
import { type AccessRequest, type ExecutionParameters, entitlementName } from '../domain/request';
import { sayDuration } from './duration';
import { printable } from './output';
import { table } from './table';

/** A request in a few lines: what it is, where it stands, what happens next. */
export function renderRequest(view: RequestView, nowMs: number): readonly string[] {
  return [...headline(view), ...standing(view, nowMs), ...attempts(view)].map(printable);
}

function* headline({ submission, status, rejection, assessment, digest }: RequestView): Generator<string> {
  const request = submission?.request;
  if (request === undefined) {
    yield `${status}: ${rejection?.code ?? ''} ${rejection?.detail ?? ''}`;
    return;
  }
  const emergency = request.emergency ? ` (emergency: ${request.emergencyCondition ?? 'unnamed'})` : '';
  yield `${request.id}  ${status}${emergency}`;
  yield `  ${entitlementName(request.entitlement)} for ${request.beneficiary}, ${sayDuration(request.durationMs)}`;
  yield `  asked by ${request.requester}: ${request.reason}`;
  if (request.ticket !== undefined) yield `  ticket ${request.ticket}`;
  yield* proposal(request);
  yield `  ${digest ?? ''}`;
  if (assessment === undefined) return;
  yield `  policy says ${assessment.outcome} (${assessment.reasonCodes.join(', ')}): ${assessment.explanation}`;
  if (assessment.safeWay !== undefined) yield `  the safe way: ${assessment.safeWay}`;
  for (const { kind, id, about, by, atMs } of assessment.precedents ?? [])
    yield `  before: ${kind} of ${about} at ${iso(atMs)}${by === undefined ? '' : ` by ${by}`} (${id})`;
  for (const flag of assessment.flags ?? []) yield `  look closer: ${flag}`;
}

/** What an execution would do, exactly, and what its proposer would do about it (AGE-5). */
function* proposal({ parameters, containment, rollback }: AccessRequest): Generator<string> {
  if (parameters === undefined) return;
  yield `  runs once: ${sayCall(parameters)}`;
  yield* plan('to contain it', containment);
  yield* plan('to roll it back', rollback);
}

/** Each line of a plan behind a mark, so that none passes for a line of ours. */
function* plan(what: string, text = 'nothing was said'): Generator<string> {
  for (const [index, line] of text.split('\n').entries())
    yield index === 0 ? `  ${what}: ${line}` : `  ${' '.repeat(what.length)}| ${line}`;
}

/** A call of a tool, to the last argument. */
export const sayCall = ({ tool, toolVersion, target, arguments: given }: ExecutionParameters): string =>
  `${tool} (version ${toolVersion}) on ${target} with ${JSON.stringify(given)}`;

const ENDED_BY = {
  overdue: 'the reconciler found it past its end',
  standing_lost: 'someone it rests on has lost their standing',
} as const;

function* standing(view: RequestView, nowMs: number): Generator<string> {
  for (const { by, stage } of view.approvals) yield `  approved by ${by} (${stage})`;
  for (const one of view.reroutes)
    yield `  reroute ${one.phase}: ${one.replace} → ${one.with} (${one.stage}) until ${iso(one.untilMs)}, by ${one.by}`;
  for (const one of view.switches ?? [])
    yield `  switch ${one.phase}: path ${one.from} → ${one.path.name} until ${iso(one.untilMs)}, by ${one.by}`;
  if (view.awaiting.length > 0) yield* waiting(view, nowMs);
  if (view.lease !== undefined)
    yield `  granted to ${view.lease.account} until ${iso(view.lease.expiresAtMs)}`;
  const { ended, held } = view;
  if (ended !== undefined)
    yield `  ended ${iso(ended.atMs)}${ended.cause === undefined ? '' : `: ${ENDED_BY[ended.cause]}`}`;
  if (held !== undefined)
    yield `  had access all the same, ${iso(held.lease.grantedAtMs)} to ${iso(held.endedAtMs)}, before anybody heard of it`;
  if (view.failure !== undefined) yield `  not carried out: ${view.failure.code} ${view.failure.detail}`;
  if (view.review.phase !== 'none') yield `  review: ${view.review.phase}`;
  const { nextDeadline } = view;
  if (nextDeadline !== undefined)
    yield `  next: ${nextDeadline.summary} in ${sayDuration(Math.max(0, nextDeadline.atMs - nowMs))}`;
}

/** Who is awaited, since when, and what becomes of it if nobody answers. */
function* waiting(view: RequestView, nowMs: number): Generator<string> {
  const { awaiting, openStage, stageOpenedAtMs, escalated, status } = view;
  const stage = stageInWait(view);
  const isStage = status === 'awaiting_approval' && stageOpenedAtMs !== undefined && stageOpenedAtMs > 0;
  const since = isStage ? ` since ${iso(stageOpenedAtMs)} (${sayDuration(nowMs - stageOpenedAtMs)})` : '';
  yield `  awaits ${awaiting.join(', ')}${openStage === undefined ? '' : ` (${openStage})`}${since}`;
  if (!isStage || stage?.escalateAfterMs === undefined || stage.expireAfterMs === undefined) return;
  const [escalates, ends] = [stageOpenedAtMs + stage.escalateAfterMs, stageOpenedAtMs + stage.expireAfterMs];
  yield `  ${escalated ? 'went' : 'goes'} to governance at ${iso(escalates)}, ends unanswered at ${iso(ends)}`;
}

/**
 * The stage that is waited for, on the path in force: of the one that it was switched to, where it was. A confirmation is
 * waited for as long as the first of them.
 */
export function stageInWait({ assessment, switches, openStage }: RequestView) {
  const switched = switches?.find((one) => one.phase === 'in_force')?.path.stages;
  const stages = switched ?? assessment?.path?.stages ?? [];
  return openStage === undefined ? stages[0] : stages.find((one) => one.name === openStage);
}

function* attempts({ refusals, refusalCount }: RequestView): Generator<string> {
  if (refusalCount > 0) yield `  refused attempts: ${refusalCount}`;
  for (const { refusal, verb, by } of refusals)
    yield `    ${refusal.code}  ${verb ?? 'unreadable'} by ${by ?? 'unknown'}: ${refusal.detail}${refusal.code === 'REPLAYED' ? ' (it counted when it came first)' : ''}`;
}

/** Requests in columns. */
export function renderRows(rows: readonly RequestRow[], nowMs: number): readonly string[] {
  const cells = rows.map((row) => [
    row.id,
    row.status,
    row.entitlement,
    row.beneficiary,
    row.startedAt === undefined ? '-' : `${sayDuration(Math.max(0, nowMs - row.startedAt.getTime()))} ago`,
    row.awaiting.join(',') || '-',
    row.expiresAt?.toISOString() ?? row.deadline?.toISOString() ?? '-',
  ]);
  return table([['REQUEST', 'STATUS', 'ENTITLEMENT', 'FOR', 'ASKED', 'AWAITS', 'UNTIL'], ...cells]);
}

const iso = (atMs: number): string => new Date(atMs).toISOString();
