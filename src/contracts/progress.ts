import { inSentence } from '../domain/characters';
import type { ExecutionParameters } from '../domain/request';
import type { Verb } from '../domain/statement';
import { isPendingStatus } from '../domain/status';
import { formatDuration } from './duration';
import type { RequestView } from './snapshot';

type DecisionView = NonNullable<RequestView['decisions']>[number];

/** Returns the path in force, which may be one that the request was switched to. */
export const pathInForce = ({ assessment, switches }: RequestView) =>
  switches?.find((one) => one.phase === 'in_force')?.path ?? assessment?.path;

/** Returns when access begins, if the request is approved and waits for nothing else. */
export function awaitedStart({ status, submission, awaiting }: RequestView): number | undefined {
  return status === 'approved' && awaiting.length === 0 ? submission?.request.notBeforeMs : undefined;
}

/** Returns true unless it waits for policy, for people or for the target. Approved access that begins later is decided. */
export const isDecided = (view: RequestView): boolean =>
  !isPendingStatus(view.status) || awaitedStart(view) !== undefined;

/** Returns how long access may last: the shortest of what was asked and what each approval that counts is for. */
export function approvedDuration({ submission, approvals }: RequestView): number | undefined {
  const shorter = approvals.flatMap(({ durationMs }) => (durationMs === undefined ? [] : [durationMs]));
  return submission === undefined ? undefined : Math.min(submission.request.durationMs, ...shorter);
}

/** Returns the stage that is waited for on the path in force. While a confirmation is waited for, that is the first stage. */
export function stageInWait(view: RequestView) {
  const { openStage } = view;
  const stages = pathInForce(view)?.stages ?? [];
  return openStage === undefined ? stages[0] : stages.find((one) => one.name === openStage);
}

/** How many approvals the open stage needs and has, and who could give those that it lacks. */
export interface Quorum {
  readonly needs: number;
  readonly has: number;
  readonly missing: readonly string[];
}

/** Returns undefined if no stage is open. */
export function quorumIn(view: RequestView): Quorum | undefined {
  const { status, openStage, approvals, awaiting } = view;
  const stage = openStage === undefined ? undefined : stageInWait(view);
  if (status !== 'awaiting_approval' || stage === undefined) return undefined;
  const has = approvals.filter((one) => one.stage === stage.name).length;
  return { needs: stage.quorum, has, missing: awaiting };
}

/** Says a quorum in words: `needs 2, has 1, missing: person/a or person/b`. */
export function sayQuorum({ needs, has, missing }: Quorum): string {
  return `needs ${needs}, has ${has}, missing: ${sayMissing(needs - has, missing)}`;
}

function sayMissing(lacking: number, people: readonly string[]): string {
  if (people.length === 0) return 'nobody who could decide is left';
  if (lacking <= 1) return people.join(' or ');
  return lacking >= people.length ? people.join(' and ') : `${lacking} of ${people.join(', ')}`;
}

const DONE: Readonly<Record<Exclude<Verb, 'report'>, string>> = {
  approve: 'approved',
  deny: 'denied',
  confirm: 'confirmed',
  reroute: 'path changed',
  endorse: 'endorsed',
  cancel: 'cancelled',
  withdraw: 'withdrawn',
  revoke: 'access ended early',
  review: 'reviewed',
};

/** Says in one line who decided what, when and why (WEB-7). The comment is in quotes, so that it cannot pass for more of the line. */
export function sayDecision(decision: Omit<DecisionView, 'verb'> & { readonly verb: string }): string {
  const { verb, by, atMs, stage, durationMs, offer } = decision;
  const done = Object.entries(DONE).find(([name]) => name === verb)?.[1] ?? verb;
  const shorter = durationMs === undefined ? '' : ` for ${formatDuration(durationMs)}`;
  const place = stage === undefined ? '' : ` (${stage})`;
  const why = sayWhy(decision);
  const offered = offer === undefined ? '' : `; would say yes to ${inSentence(offer)}`;
  return `${done}${shorter} by ${by}${place} at ${new Date(atMs).toISOString()}${why === '' ? '' : `: ${why}`}${offered}`;
}

/** Says why somebody decided so: reason code, ticket, comment in quotes. Empty if they said nothing. */
function sayWhy({
  reasonCode,
  ticket,
  comment,
}: Pick<DecisionView, 'reasonCode' | 'ticket' | 'comment'>): string {
  const parts = [
    reasonCode,
    ticket === undefined ? undefined : `ticket ${JSON.stringify(ticket)}`,
    comment === undefined ? undefined : JSON.stringify(comment),
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}

/** Returns the decision that ended the request without access: a denial, a cancellation or a withdrawal. */
export const endingDecision = ({ status, decisions = [] }: RequestView): DecisionView | undefined =>
  ['denied', 'cancelled', 'withdrawn'].includes(status)
    ? decisions.findLast(({ verb }) => ['deny', 'cancel', 'withdraw'].includes(verb))
    : undefined;

/** An earlier event that bears on a request, with whose it was where that is proved. */
export type PrecedentView = NonNullable<NonNullable<RequestView['assessment']>['precedents']>[number];

/** Says in one line what came before a request, and whose it was. */
export function sayPrecedent({ kind, id, about, by, atMs, requester, beneficiary }: PrecedentView): string {
  const asked = requester === undefined ? '' : `, asked by ${requester}`;
  const whose = beneficiary === undefined || beneficiary === requester ? '' : ` for ${beneficiary}`;
  return `${kind} of ${about} at ${new Date(atMs).toISOString()}${asked}${whose}${by === undefined ? '' : `, by ${by}`} (${id})`;
}

/** Describes a call of a tool with all its arguments. */
export const sayCall = ({ tool, toolVersion, target, arguments: given }: ExecutionParameters): string =>
  `${inSentence(tool)} (version ${inSentence(toolVersion)}) on ${inSentence(target)} with ${JSON.stringify(given)}`;
