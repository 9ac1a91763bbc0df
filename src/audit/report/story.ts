import type { DomainEvent } from '../../domain/event';
import type { EndCause } from '../../domain/lease';
import { entitlementName } from '../../domain/request';
import { tellFound } from '../evidence/found';
import type { EvidenceFile } from '../evidence/schema';

type EventOf<T extends DomainEvent['type']> = Extract<DomainEvent, { type: T }>;
type Tellers = { readonly [T in DomainEvent['type']]: (event: EventOf<T>) => string };

/** The story of a request in plain sentences, one an event, each with its moment. */
export function storyOf(evidence: EvidenceFile): readonly string[] {
  const lines = [`${evidence.request} (${evidence.status}; its workflow is ${evidence.execution})`];
  for (const { command, events } of evidence.steps) {
    for (const { event } of events) lines.push(`${iso(event.atMs)}  ${sentence(event)}`);
    const comment = commentIn(command);
    if (comment !== undefined) lines.push(`${' '.repeat(26)}they wrote: “${unquoted(comment)}”`);
  }
  for (const found of evidence.findings ?? []) lines.push(`${iso(found.firstAtMs)}  ${tellFound(found)}`);
  lines.push(`the last event has the hash ${evidence.head}`);
  return lines;
}

function commentIn(command: EvidenceFile['steps'][number]['command']): string | undefined {
  if (command.type !== 'consider' || !command.check.verified) return undefined;
  return command.check.facts.statement.comment;
}

/** What an event says, in a sentence. */
export function sentence<T extends DomainEvent['type']>(event: EventOf<T>): string {
  const type: T = event.type;
  return TELL[type](event);
}

/** Words of others, which cannot end the quotation that they stand in. */
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

const TELL: Tellers = {
  submitted: ({ submission: { request }, digest }) => {
    const emergency = request.emergency
      ? `, as an emergency (${request.emergencyCondition ?? 'unnamed'})`
      : '';
    const ticket = request.ticket === undefined ? '' : `, ticket ${request.ticket}`;
    const behalf = request.onBehalfOf.length === 0 ? '' : `, on behalf of ${request.onBehalfOf.join(', ')}`;
    return `${request.requester} asked for ${entitlementName(request.entitlement)} for ${request.beneficiary}, for ${spoken(request.durationMs)}${emergency}${ticket}${behalf}. Reason: “${unquoted(request.reason)}”. Digest ${digest}.`;
  },
  submission_rejected: ({ refusal }) => `What was submitted was refused: ${refusal.code}, ${refusal.detail}.`,
  recognised: ({ recognition: one }) =>
    `The requester was recognised as ${one.principal}, by key ${one.keyId} (${one.assurance}, ${one.channel}). That is no approval.`,
  assessed: ({ assessment: one }) => {
    const by = one.determiningPolicies.join(', ') || 'the catalog and the core';
    const path = one.path?.stages.map(
      (stage) => `${stage.name}: ${stage.quorum} of ${stage.eligible.join(', ')}`,
    );
    const needs = path === undefined ? '' : ` It needs ${path.join('; ')}.`;
    const safe = one.safeWay === undefined ? '' : ` The safe way: ${one.safeWay}`;
    return `Policy said ${one.outcome} (${one.reasonCodes.join(', ')}), by ${by}: ${one.explanation}.${needs}${safe} Policy ${one.policyDigest}, directory ${one.directoryDigest}, ${one.engineVersion}.`;
  },
  hard_stopped: () => 'It was stopped before anyone was asked.',
  refused: () => 'It was refused.',
  permitted: () => 'Policy alone let it through.',
  confirmation_awaited: () => 'A confirmation was awaited before approvers were asked.',
  stage_opened: ({ stage, revision }) => `Stage ${stage} was opened (revision ${revision} of the path).`,
  statement_accepted: ({ accepted: { statement, keyId, assurance, channel } }) =>
    `${statement.iss} signed “${statement.verb}” (statement ${statement.jti}, key ${keyId}, ${assurance}, ${channel}); it counted.`,
  statement_refused: ({ refusal, verb, by }) =>
    `An attempt to ${verb ?? 'say something unreadable'} by ${by ?? 'nobody known'} was refused: ${refusal.code}, ${refusal.detail}.`,
  statements_dropped: ({ count }) => `${count} messages found no room and were dropped.`,
  approval_counted: ({ by, stage }) => `${by} approved stage ${stage}.`,
  approval_lapsed: ({ by, stage }) => `The approval of ${by} for stage ${stage} ran out.`,
  confirmed: ({ by }) => `${by} confirmed scope and intent.`,
  confirmation_lapsed: ({ by }) => `The confirmation of ${by} ran out.`,
  stage_completed: ({ stage }) => `Stage ${stage} was complete.`,
  approved: () => 'It was approved.',
  denied: ({ by }) => `${by} denied it.`,
  cancelled: ({ by }) => `${by} cancelled it.`,
  withdrawn: ({ by }) => `${by} withdrew it.`,
  reroute_proposed: ({ reroute }) => `${ground(reroute)} A second governor must endorse it.`,
  rerouted: ({ reroute, endorsedBy, revision }) =>
    `${ground(reroute)} ${endorsedBy === undefined ? 'No second governor was needed.' : `${endorsedBy} endorsed it.`} The path is now at revision ${revision}.`,
  reroute_unendorsed: ({ jti }) => `The proposed reroute ${jti} ran out without an endorsement.`,
  replacement_lapsed: ({ jti, revision }) =>
    `The replacement by ${jti} ended; the path is back, at revision ${revision}.`,
  switch_proposed: ({ change }) => `${switchOf(change)} A second governor must endorse it.`,
  path_switched: ({ change, endorsedBy, revision }) =>
    `${switchOf(change)} ${endorsedBy === undefined ? 'No second governor was needed.' : `${endorsedBy} endorsed it.`} The path is now at revision ${revision}.`,
  switch_unendorsed: ({ jti }) => `The proposed switch ${jti} ran out without an endorsement.`,
  switch_lapsed: ({ jti, revision }) =>
    `The switch by ${jti} ended; the path is back, at revision ${revision}, and what was approved on the other is void.`,
  review_owed: ({ dueAtMs }) => `A review is owed by ${iso(dueAtMs)}.`,
  reminded: ({ stage, awaiting }) => `${awaiting.join(', ') || 'nobody'} was reminded of stage ${stage}.`,
  escalated: ({ stage, awaiting }) =>
    `Stage ${stage} was escalated to governance; it awaited ${awaiting.join(', ') || 'nobody'}.`,
  lapsed: () => 'Nobody answered in time; it lapsed.',
  provisioning_started: () => 'The evidence was sent to be proved again and carried out.',
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
      ? 'The target was told never to give it.'
      : `The target was told never to give it. It had been given to ${held.lease.account} at ${iso(held.lease.grantedAtMs)}, and was over at ${iso(held.endedAtMs)}.`,
  review_overdue: () => 'The review is overdue.',
  reviewed: ({ by, verdict }) => `${by} reviewed it: ${verdict}.`,
  execution_reported: ({ outcome, by, reporter, reasonCode }) =>
    `The execution ${outcome === 'unknown' ? 'ended in a way that nobody knows' : outcome}, as ${reporter ?? by} reported${reasonCode === undefined ? '' : ` (${reasonCode})`}.`,
  closed: () => 'It was closed.',
};

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
