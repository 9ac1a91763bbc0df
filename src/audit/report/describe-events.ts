import { sayRemedy } from '../../contracts/remedy';
import type { DomainEvent } from '../../domain/event';
import type { EndCause } from '../../domain/lease';
import { entitlementName } from '../../domain/request';
import { describeFinding } from '../evidence/recorded-findings';
import type { EvidenceFile } from '../evidence/schema';

type EventOf<T extends DomainEvent['type']> = Extract<DomainEvent, { type: T }>;
type Descriptions = { readonly [T in DomainEvent['type']]: (event: EventOf<T>) => string };

/** Describes what happened to a request: one sentence for each event, with its time. */
export function describeEvidence(evidence: EvidenceFile): readonly string[] {
  const lines = [`${evidence.request} (${evidence.status}; its workflow is ${evidence.execution})`];
  for (const { command, events } of evidence.steps) {
    for (const { event } of events) lines.push(`${iso(event.atMs)}  ${describeEvent(event)}`);
    const comment = commentIn(command);
    if (comment !== undefined) lines.push(`${' '.repeat(26)}they wrote: “${unquoted(comment)}”`);
  }
  for (const finding of evidence.findings ?? [])
    lines.push(`${iso(finding.firstAtMs)}  ${describeFinding(finding)}`);
  lines.push(`the last event has the hash ${evidence.head}`);
  return lines;
}

function commentIn(command: EvidenceFile['steps'][number]['command']): string | undefined {
  if (command.type !== 'consider' || !command.check.verified) return undefined;
  return command.check.facts.statement.comment;
}

/** Describes an event in one sentence. */
export function describeEvent<T extends DomainEvent['type']>(event: EventOf<T>): string {
  const type: T = event.type;
  return DESCRIPTIONS[type](event);
}

/** Replaces quotation marks in foreign text, so that it cannot end the quotation around it. */
const unquoted = (text: string): string => text.replace(/[“”]/g, '"');

const iso = (atMs: number): string => new Date(atMs).toISOString();

function spoken(ms: number): string {
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1_000],
  ] as const;
  for (const [unit, size] of units)
    if (ms >= size && ms % size === 0) return `${ms / size} ${unit}${ms === size ? '' : 's'}`;
  return `${ms} ms`;
}

const CAUSES: Readonly<Record<EndCause, string>> = {
  overdue: 'the reconciler found it past its end',
  standing_lost: 'someone it rested on had lost their standing',
};

const DESCRIPTIONS: Descriptions = {
  submitted: ({ submission: { request }, digest }) => {
    const emergency = request.emergency
      ? `, as an emergency (${request.emergencyCondition ?? 'unnamed'})`
      : '';
    const start = request.notBeforeMs === undefined ? '' : `, from ${iso(request.notBeforeMs)} on`;
    const ticket = request.ticket === undefined ? '' : `, ticket ${request.ticket}`;
    const behalf = request.onBehalfOf.length === 0 ? '' : `, on behalf of ${request.onBehalfOf.join(', ')}`;
    return `${request.requester} asked for ${entitlementName(request.entitlement)} for ${request.beneficiary}, for ${spoken(request.durationMs)}${start}${emergency}${ticket}${behalf}. Reason: “${unquoted(request.reason)}”. Digest ${digest}.`;
  },
  submission_rejected: ({ refusal }) => `The submission was refused: ${refusal.code}, ${refusal.detail}.`,
  recognised: ({ recognition: one }) =>
    `The requester was recognised as ${one.principal}, by key ${one.keyId} (${one.assurance}, ${one.channel}). That is not an approval.`,
  assessed: ({ assessment: one }) => {
    const by = one.determiningPolicies.join(', ') || 'the catalog and the core';
    const path = one.path?.stages.map(
      (stage) => `${stage.name}: ${stage.quorum} of ${stage.eligible.join(', ')}`,
    );
    const needs = path === undefined ? '' : ` It needs ${path.join('; ')}.`;
    const safe = one.safeWay === undefined ? '' : ` The safe way: ${one.safeWay}`;
    const remedy = one.remedy === undefined ? '' : ` What would change it: ${sayRemedy(one.remedy)}.`;
    return `Policy said ${one.outcome} (${one.reasonCodes.join(', ')}), by ${by}: ${one.explanation}.${needs}${safe}${remedy} Policy ${one.policyDigest}, directory ${one.directoryDigest}, ${one.engineVersion}.`;
  },
  hard_stopped: () => 'The request was stopped before anyone was asked.',
  refused: () => 'The request was refused.',
  permitted: () => 'Policy alone permitted it.',
  confirmation_awaited: () => 'A confirmation was awaited before approvers were asked.',
  stage_opened: ({ stage, revision }) => `Stage ${stage} was opened (revision ${revision} of the path).`,
  statement_accepted: ({ accepted: { statement, keyId, assurance, channel } }) =>
    `${statement.iss} signed “${statement.verb}” (statement ${statement.jti}, key ${keyId}, ${assurance}, ${channel})${groundsOf(statement)}; it counted.`,
  statement_refused: ({ refusal, verb, by }) =>
    `${verb === undefined ? 'An unreadable statement' : `An attempt to ${verb}`} by ${by ?? 'an unknown sender'} was refused: ${refusal.code}, ${refusal.detail}.`,
  statements_dropped: ({ count }) => `${count} messages were dropped, because the inbox was full.`,
  approval_counted: ({ by, stage, durationMs }) =>
    `${by} approved stage ${stage}${durationMs === undefined ? '' : `, for ${spoken(durationMs)}`}.`,
  approval_lapsed: ({ by, stage }) => `The approval of ${by} for stage ${stage} lapsed.`,
  confirmed: ({ by }) => `${by} confirmed scope and intent.`,
  confirmation_lapsed: ({ by }) => `The confirmation of ${by} lapsed.`,
  stage_completed: ({ stage }) => `Stage ${stage} was complete.`,
  approved: () => 'It was approved.',
  denied: ({ by }) => `${by} denied it.`,
  cancelled: ({ by }) => `${by} cancelled it.`,
  withdrawn: ({ by }) => `${by} withdrew it.`,
  reroute_proposed: ({ reroute }) => `${ground(reroute)} A second governor must endorse it.`,
  rerouted: ({ reroute, endorsedBy, revision }) =>
    `${ground(reroute)} ${endorsedBy === undefined ? 'No second governor was needed.' : `${endorsedBy} endorsed it.`} The path is now at revision ${revision}.`,
  reroute_unendorsed: ({ jti }) => `The proposed reroute ${jti} lapsed without an endorsement.`,
  replacement_lapsed: ({ jti, revision }) =>
    `The replacement by ${jti} ended; the original approver is back, at revision ${revision} of the path.`,
  switch_proposed: ({ change }) => `${switchOf(change)} A second governor must endorse it.`,
  path_switched: ({ change, endorsedBy, revision }) =>
    `${switchOf(change)} ${endorsedBy === undefined ? 'No second governor was needed.' : `${endorsedBy} endorsed it.`} The path is now at revision ${revision}.`,
  switch_unendorsed: ({ jti }) => `The proposed switch ${jti} lapsed without an endorsement.`,
  switch_lapsed: ({ jti, revision }) =>
    `The switch by ${jti} ended; the original path is back, at revision ${revision}, and approvals on the other path are void.`,
  review_owed: ({ dueAtMs }) => `A review is owed by ${iso(dueAtMs)}.`,
  reminded: ({ stage, awaiting }) => `${awaiting.join(', ') || 'nobody'} was reminded of stage ${stage}.`,
  escalated: ({ stage, awaiting }) =>
    `Stage ${stage} was escalated to governance; it awaited ${awaiting.join(', ') || 'nobody'}.`,
  lapsed: () => 'Nobody answered in time; it lapsed.',
  provisioning_started: () => 'The evidence was sent to be proved again, and the request to be carried out.',
  provisioning_failed: ({ refusal }) => `It was not carried out: ${refusal.code}, ${refusal.detail}.`,
  granted: ({ lease, reviewDueAtMs }) => {
    const review = reviewDueAtMs === undefined ? '' : ` A review is owed by ${iso(reviewDueAtMs)}.`;
    return `Access was given to ${lease.account} at ${iso(lease.grantedAtMs)}, until ${iso(lease.expiresAtMs)}.${review}`;
  },
  ending_ordered: ({ end, by }) =>
    by === undefined ? `Its time was over (${end}).` : `${by} ended it before its time.`,
  access_ended: ({ end, endedAtMs, cause }) =>
    endedAtMs === undefined
      ? `Access was taken away (${end}).`
      : `Access had been taken away at ${iso(endedAtMs)} (${end}${cause === undefined ? '' : `: ${CAUSES[cause]}`}).`,
  barred: ({ held }) =>
    held === undefined
      ? 'The target recorded that access is never to be given.'
      : `The target recorded that access is never to be given. It had been given to ${held.lease.account} at ${iso(held.lease.grantedAtMs)}, and was over at ${iso(held.endedAtMs)}.`,
  review_overdue: () => 'The review is overdue.',
  reviewed: ({ by, verdict }) => `${by} reviewed it: ${verdict}.`,
  execution_reported: ({ outcome, by, reporter, reasonCode }) =>
    `The execution ${outcome === 'unknown' ? 'ended with an unknown outcome' : outcome}, as ${reporter ?? by} reported${reasonCode === undefined ? '' : ` (${reasonCode})`}.`,
  closed: () => 'The request was closed.',
};

const groundsOf = ({ reasonCode, ticket }: { reasonCode?: string; ticket?: string }): string =>
  `${reasonCode === undefined ? '' : `, for the reason ${reasonCode}`}${ticket === undefined ? '' : `, ticket ${ticket}`}`;

function ground({
  by,
  replace,
  with: to,
  stage,
  reasonCode,
  ticket,
  policyBasis,
  policyDigest,
  untilMs,
}: EventOf<'reroute_proposed'>['reroute']): string {
  return `${by} put ${to} in the place of ${replace} at stage ${stage} until ${iso(untilMs)}: ${reasonCode}, ticket ${ticket}, by ${policyBasis} (policy ${policyDigest}).`;
}

const switchOf = (change: EventOf<'switch_proposed'>['change']): string =>
  `${change.by} switched the path from ${change.from} to ${change.path.name} until ${iso(change.untilMs)}: ${change.reasonCode}, ticket ${change.ticket}, by ${change.policyBasis} (policy ${change.policyDigest}).`;
