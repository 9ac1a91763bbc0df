import type { RequestRow, RequestView } from '../client';
import { formatDuration } from '../contracts/duration';
import {
  approvedDuration,
  quorumIn,
  sayCall,
  sayDecision,
  sayPrecedent,
  sayQuorum,
  stageInWait,
} from '../contracts/progress';
import { sayRemedy } from '../contracts/remedy';
import { type AccessRequest, entitlementName } from '../domain/request';
import { sayDuration } from './duration';
import { sayMoment } from './moment';
import { printable } from './output';
import { shortIds } from './request-id';
import { table } from './table';
import { PLAIN, paint, type Style, type Terminal } from './terminal';

/** Describes a request in a few lines: what it asks for, its status, and what happens next. */
export function renderRequest(view: RequestView, nowMs: number, terminal = PLAIN): readonly string[] {
  const [first = '', ...others] = [...headline(view), ...standing(view, nowMs), ...attempts(view)].map(
    printable,
  );
  return [first.replace(`  ${view.status}`, () => `  ${paintStatus(view.status, terminal)}`), ...others];
}

/**
 * Says what a signer is about to sign, from the submission that the digest is computed from, and from what is known of the request
 * beyond that. Without a view, nothing answered for more than the submission.
 */
export function renderReview(
  request: AccessRequest,
  digest: string,
  view: RequestView | undefined,
  nowMs: number,
): readonly string[] {
  return [
    `${request.id}${view === undefined ? '' : `  ${view.status}`}${emergencyOf(request)}`,
    ...asked(request),
    `  ${digest}`,
    ...(view?.assessment === undefined ? [] : assessed(view.assessment)),
    ...(view === undefined ? [] : standing(view, nowMs)),
  ].map(printable);
}

const STYLES: Readonly<Partial<Record<string, Style>>> = {
  active: 'green',
  awaiting_approval: 'yellow',
  ...Object.fromEntries(
    ['hard_stopped', 'refused', 'denied', 'failed', 'lapsed'].map((status) => [status, 'red']),
  ),
};

/** Colours a status, with the spaces that a table puts behind it. */
function paintStatus(cell: string, terminal: Terminal): string {
  const style = STYLES[cell.trim()];
  return style === undefined ? cell : paint(style, cell, terminal);
}

function* headline({ submission, status, rejection, assessment, digest }: RequestView): Generator<string> {
  const request = submission?.request;
  if (request === undefined) {
    yield `${status}: ${rejection?.code ?? ''} ${rejection?.detail ?? ''}`;
    return;
  }
  yield `${request.id}  ${status}${emergencyOf(request)}`;
  yield* asked(request);
  yield `  ${digest ?? ''}`;
  if (assessment !== undefined) yield* assessed(assessment);
}

const emergencyOf = ({ emergency, emergencyCondition }: AccessRequest): string =>
  emergency ? ` (emergency: ${emergencyCondition ?? 'unnamed'})` : '';

/** Who gets what, for how long, who asks and on whose behalf, why, and what an execution would do. */
function* asked(request: AccessRequest): Generator<string> {
  const { entitlement, beneficiary, durationMs, notBeforeMs, requester, reason, ticket, onBehalfOf } =
    request;
  const { presented } = request;
  const start = notBeforeMs === undefined ? '' : `, from ${sayMoment(notBeforeMs)} on`;
  yield `  ${entitlementName(entitlement)} for ${beneficiary}, ${formatDuration(durationMs)}${start}`;
  yield `  asked by ${requester}: ${reason}`;
  if (onBehalfOf.length > 0) yield `  on behalf of ${onBehalfOf.join(', ')}`;
  if (ticket !== undefined) yield `  ticket ${ticket}`;
  if (presented !== undefined) yield `  presented of it: ${JSON.stringify(presented)}`;
  yield* proposal(request);
}

/** What policy said, what would change it, what came before, and what to look at more closely. */
function* assessed(assessment: NonNullable<RequestView['assessment']>): Generator<string> {
  yield `  policy says ${assessment.outcome} (${assessment.reasonCodes.join(', ')}): ${assessment.explanation}`;
  if (assessment.safeWay !== undefined) yield `  the safe way: ${assessment.safeWay}`;
  if (assessment.remedy !== undefined)
    yield `  what would change the answer: ${sayRemedy(assessment.remedy)}`;
  for (const precedent of assessment.precedents ?? []) yield `  before: ${sayPrecedent(precedent)}`;
  for (const flag of assessment.flags ?? []) yield `  look closer: ${flag}`;
}

/** What an execution would do, exactly, and how its proposer would contain and undo it (AGE-5). */
function* proposal({ parameters, containment, rollback }: AccessRequest): Generator<string> {
  if (parameters === undefined) return;
  yield `  runs once: ${sayCall(parameters)}`;
  yield* plan('to contain it', containment);
  yield* plan('to roll it back', rollback);
}

/** Puts a mark before each line of a plan, so that none looks like a line of ours. */
function* plan(what: string, text = 'nothing was said'): Generator<string> {
  for (const [index, line] of text.split('\n').entries())
    yield index === 0 ? `  ${what}: ${line}` : `  ${' '.repeat(what.length)}| ${line}`;
}

const ENDED_BY = {
  overdue: 'the reconciler found it past its end',
  standing_lost: 'someone it rests on has lost their standing',
} as const;

function* standing(view: RequestView, nowMs: number): Generator<string> {
  yield* decided(view);
  for (const one of view.reroutes)
    yield `  reroute ${one.phase}: ${one.replace} → ${one.with} (${one.stage}) until ${iso(one.untilMs)}, by ${one.by}`;
  for (const one of view.switches ?? [])
    yield `  switch ${one.phase}: path ${one.from} → ${one.path.name} until ${iso(one.untilMs)}, by ${one.by}`;
  if (view.awaiting.length > 0) yield* waiting(view, nowMs);
  const shorterMs = approvedDuration(view);
  if (shorterMs !== undefined && shorterMs !== view.submission?.request.durationMs)
    yield `  approved for ${formatDuration(shorterMs)}, the shortest that an approver said`;
  if (view.lease !== undefined)
    yield `  granted to ${view.lease.account} until ${iso(view.lease.expiresAtMs)}`;
  const { ended, held } = view;
  if (ended !== undefined)
    yield `  ended ${iso(ended.atMs)}${ended.cause === undefined ? '' : `: ${ENDED_BY[ended.cause]}`}`;
  if (held !== undefined)
    yield `  had access all the same, ${iso(held.lease.grantedAtMs)} to ${iso(held.endedAtMs)}, before that was known`;
  if (view.failure !== undefined) yield `  not carried out: ${view.failure.code} ${view.failure.detail}`;
  if (view.review.phase !== 'none') yield `  review: ${view.review.phase}`;
  const { nextDeadline } = view;
  if (nextDeadline !== undefined)
    yield `  next: ${nextDeadline.summary} in ${sayDuration(Math.max(0, nextDeadline.atMs - nowMs))}`;
}

/** Who has decided what, when and why. Changes of the path have lines of their own. */
function* decided({ decisions, approvals }: RequestView): Generator<string> {
  const counts = (by: string, stage?: string) =>
    approvals.some((one) => one.by === by && (stage === undefined || one.stage === stage));
  if (decisions === undefined) for (const { by, stage } of approvals) yield `  approved by ${by} (${stage})`;
  for (const one of decisions ?? []) {
    if (one.verb === 'reroute') continue;
    const lapsed = one.verb === 'approve' && !counts(one.by, one.stage) ? ' (it counts no longer)' : '';
    yield `  ${sayDecision(one)}${lapsed}`;
  }
}

/** Who is awaited, since when, and what happens if nobody answers. */
function* waiting(view: RequestView, nowMs: number): Generator<string> {
  const { awaiting, openStage, stageOpenedAtMs, escalated, status } = view;
  const stage = stageInWait(view);
  const isStage = status === 'awaiting_approval' && stageOpenedAtMs !== undefined && stageOpenedAtMs > 0;
  const since = isStage ? ` since ${iso(stageOpenedAtMs)} (${sayDuration(nowMs - stageOpenedAtMs)})` : '';
  const quorum = quorumIn(view);
  const whom = quorum === undefined ? `awaits ${awaiting.join(', ')}` : sayQuorum(quorum);
  yield `  ${whom}${openStage === undefined ? '' : ` (${openStage})`}${since}`;
  if (!isStage || stage?.escalateAfterMs === undefined || stage.expireAfterMs === undefined) return;
  const [escalates, ends] = [stageOpenedAtMs + stage.escalateAfterMs, stageOpenedAtMs + stage.expireAfterMs];
  yield `  ${escalated ? 'went' : 'goes'} to governance at ${iso(escalates)}, ends unanswered at ${iso(ends)}`;
}

function* attempts({ refusals, refusalCount }: RequestView): Generator<string> {
  if (refusalCount > 0) yield `  refused attempts: ${refusalCount}`;
  for (const { refusal, verb, by } of refusals)
    yield `    ${refusal.code}  ${verb ?? 'unreadable'} by ${by ?? 'unknown'}: ${refusal.detail}${refusal.code === 'REPLAYED' ? ' (it counted when it came first)' : ''}`;
}

/** Renders requests in columns. A terminal gets short ids and times relative to now; a file or a pipe gets both in full. A status with ? is not proved. */
export function renderRows(rows: readonly RequestRow[], nowMs: number, terminal = PLAIN): readonly string[] {
  const isForPeople = terminal.columns !== undefined;
  const short = shortIds(rows.map(({ id }) => id));
  const until = (at: Date | undefined): string => {
    if (at === undefined) return '-';
    if (!isForPeople) return at.toISOString();
    const leftMs = at.getTime() - nowMs;
    return leftMs < 0 ? `${sayDuration(-leftMs)} ago` : `in ${sayDuration(leftMs)}`;
  };
  const cells = rows.map((row) => [
    isForPeople ? short(row.id) : row.id,
    `${row.broken === undefined ? row.status : `gone (${row.broken})`}${row.basis === 'derived' ? '' : '?'}`,
    row.entitlement,
    row.beneficiary,
    row.startedAt === undefined ? '-' : `${sayDuration(Math.max(0, nowMs - row.startedAt.getTime()))} ago`,
    row.awaiting.join(',') || '-',
    until(row.expiresAt ?? row.deadline),
  ]);
  return table([['REQUEST', 'STATUS', 'ENTITLEMENT', 'FOR', 'ASKED', 'AWAITS', 'UNTIL'], ...cells], {
    terminal,
    shortens: [2, 3, 5],
    paints: { 1: (cell) => paintStatus(cell, terminal) },
  });
}

const iso = (atMs: number): string => new Date(atMs).toISOString();
