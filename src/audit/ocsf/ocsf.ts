import { digestOf } from '../../domain/digest';
import type { DomainEvent } from '../../domain/event';
import { type AccessRequest, entitlementName } from '../../domain/request';
import { describeFinding, type RecordedFinding } from '../evidence/recorded-findings';
import type { EvidenceFile } from '../evidence/schema';
import { describeEvent } from '../report/describe-events';

/** The version of OCSF that our events follow. */
export const OCSF_VERSION = '1.8.0';

const ENTITY_MANAGEMENT = 3004;
const USER_ACCESS_MANAGEMENT = 3005;
const CREATE = 1;
const UPDATE = 3;
const ASSIGN_PRIVILEGES = 1;
const REVOKE_PRIVILEGES = 2;
const OTHER = 99;
const SUCCESS = 1;
const FAILURE = 2;

/** The OCSF class and severity of an event. The table in docs/audit/evidence.md says the same. */
export interface Mapping {
  readonly classUid: typeof ENTITY_MANAGEMENT | typeof USER_ACCESS_MANAGEMENT;
  readonly activityId: number;
  readonly statusId: typeof SUCCESS | typeof FAILURE;
  /** 1 informational, 2 low, 3 medium, 4 high. */
  readonly severityId: 1 | 2 | 3 | 4;
}

const onRequest = (
  activityId: number,
  severityId: Mapping['severityId'],
  statusId: Mapping['statusId'] = SUCCESS,
): Mapping => ({
  classUid: ENTITY_MANAGEMENT,
  activityId,
  severityId,
  statusId,
});
const onAccess = (activityId: number, severityId: Mapping['severityId']): Mapping => ({
  classUid: USER_ACCESS_MANAGEMENT,
  activityId,
  severityId,
  statusId: SUCCESS,
});

export const OCSF_MAPPING: Readonly<Record<DomainEvent['type'], Mapping>> = {
  submitted: onRequest(CREATE, 1),
  submission_rejected: onRequest(CREATE, 2, FAILURE),
  recognised: onRequest(UPDATE, 1),
  assessed: onRequest(UPDATE, 1),
  hard_stopped: onRequest(UPDATE, 4, FAILURE),
  refused: onRequest(UPDATE, 2, FAILURE),
  permitted: onRequest(UPDATE, 1),
  confirmation_awaited: onRequest(UPDATE, 1),
  stage_opened: onRequest(UPDATE, 1),
  statement_accepted: onRequest(UPDATE, 1),
  statement_refused: onRequest(UPDATE, 3, FAILURE),
  statements_dropped: onRequest(UPDATE, 3, FAILURE),
  approval_counted: onRequest(UPDATE, 1),
  approval_lapsed: onRequest(UPDATE, 2),
  confirmed: onRequest(UPDATE, 1),
  confirmation_lapsed: onRequest(UPDATE, 2),
  stage_completed: onRequest(UPDATE, 1),
  approved: onRequest(UPDATE, 1),
  denied: onRequest(UPDATE, 2, FAILURE),
  cancelled: onRequest(UPDATE, 2, FAILURE),
  withdrawn: onRequest(UPDATE, 1, FAILURE),
  reroute_proposed: onRequest(UPDATE, 3),
  rerouted: onRequest(UPDATE, 3),
  reroute_unendorsed: onRequest(UPDATE, 2, FAILURE),
  replacement_lapsed: onRequest(UPDATE, 2),
  switch_proposed: onRequest(UPDATE, 3),
  path_switched: onRequest(UPDATE, 3),
  switch_unendorsed: onRequest(UPDATE, 2, FAILURE),
  switch_lapsed: onRequest(UPDATE, 2),
  review_owed: onRequest(UPDATE, 1),
  reminded: onRequest(UPDATE, 1),
  escalated: onRequest(UPDATE, 2),
  lapsed: onRequest(UPDATE, 2, FAILURE),
  provisioning_started: onRequest(UPDATE, 1),
  provisioning_failed: onRequest(UPDATE, 3, FAILURE),
  granted: onAccess(ASSIGN_PRIVILEGES, 2),
  ending_ordered: onRequest(UPDATE, 1),
  access_ended: onAccess(REVOKE_PRIVILEGES, 1),
  barred: onRequest(UPDATE, 1),
  review_overdue: onRequest(UPDATE, 4),
  reviewed: onRequest(UPDATE, 1),
  execution_reported: onRequest(UPDATE, 1),
  closed: onRequest(UPDATE, 1),
};

const CLASS_NAMES = {
  [ENTITY_MANAGEMENT]: 'Entity Management',
  [USER_ACCESS_MANAGEMENT]: 'User Access Management',
} as const;

export type OcsfEvent = Readonly<Record<string, unknown>>;

/** Converts the events of a request to OCSF, in order. `uid` is the event's own hash, so receivers can detect repeats. */
export function ocsfEventsOf(evidence: EvidenceFile): readonly OcsfEvent[] {
  const first = evidence.steps[0]?.command;
  const request = first?.type === 'submit' ? first.submission.request : undefined;
  const events = evidence.steps.flatMap((step) =>
    step.events.map(({ event, hash }) => ocsfEventOf(evidence, request, event, hash)),
  );
  const findings = (evidence.findings ?? []).map((one) => ocsfFindingOf(evidence, request, one));
  return [...events, ...findings];
}

/** Converts a finding to an event about access that nobody ordered. The same finding always has the same id. */
function ocsfFindingOf(
  { request: id, software }: EvidenceFile,
  request: AccessRequest | undefined,
  finding: RecordedFinding,
): OcsfEvent {
  const { kind, account, grant, firstAtMs, lastAtMs, times, what } = finding;
  const name = kind.replace('-', '_');
  return {
    ...headOf({ classUid: USER_ACCESS_MANAGEMENT, activityId: OTHER }),
    activity_name: 'Finding',
    severity_id: kind === 'missing' ? 3 : 4,
    time: firstAtMs,
    end_time: lastAtMs,
    count: times,
    status_id: SUCCESS,
    status: 'Success',
    status_code: `FOUND_${name.toUpperCase()}`,
    message: describeFinding(finding),
    metadata: metadataOf(
      id,
      software,
      digestOf([id, kind, account, grant, ...(what === undefined ? [] : [what])]),
      `found_${name}`,
    ),
    ...accessOf(request),
    unmapped: { finding },
  };
}

const headOf = ({ classUid, activityId }: Pick<Mapping, 'classUid' | 'activityId'>) => ({
  activity_id: activityId,
  category_uid: 3,
  category_name: 'Identity & Access Management',
  class_uid: classUid,
  class_name: CLASS_NAMES[classUid],
  type_uid: classUid * 100 + activityId,
});

const metadataOf = (id: string, software: EvidenceFile['software'], uid: string, code: string) => ({
  version: OCSF_VERSION,
  product: { name: 'Countersign', vendor_name: 'Countersign', version: software.countersign },
  uid,
  correlation_uid: id,
  event_code: code,
  log_name: 'countersign',
});

function ocsfEventOf(
  { request: id, software }: EvidenceFile,
  request: AccessRequest | undefined,
  event: DomainEvent,
  hash: string,
): OcsfEvent {
  const { classUid, activityId, severityId, statusId } = OCSF_MAPPING[event.type];
  // A grant is more severe in an emergency.
  const severity = event.type === 'granted' && request?.emergency ? 3 : severityId;
  const actor = actorOf(event, request);
  return {
    ...headOf({ classUid, activityId }),
    severity_id: severity,
    time: event.atMs,
    status_id: statusId,
    status: statusId === SUCCESS ? 'Success' : 'Failure',
    status_code: codeOf(event),
    message: describeEvent(event),
    metadata: metadataOf(id, software, hash, event.type),
    ...(actor !== undefined && { actor: { user: userOf(actor) } }),
    ...(classUid === ENTITY_MANAGEMENT
      ? { entity: { uid: id, name: `access request ${id}`, type: 'Access Request' } }
      : accessOf(request)),
    unmapped: { event },
  };
}

function accessOf(request: AccessRequest | undefined) {
  if (request === undefined) return { user: { uid: 'unknown' }, privileges: [] };
  const { beneficiary, entitlement } = request;
  return {
    user: userOf(beneficiary),
    privileges: [entitlement.action],
    resources: [
      { uid: `${entitlement.connector}:${entitlement.resource}`, name: entitlementName(entitlement) },
    ],
  };
}

/** Converts a principal to an OCSF user: people are users, everything else is a service. */
const userOf = (id: string) => ({
  uid: id,
  name: id.slice(id.indexOf('/') + 1),
  type_id: id.startsWith('person/') ? 1 : 4,
});

function codeOf(event: DomainEvent): string {
  if ('refusal' in event) return event.refusal.code;
  if (event.type === 'assessed') return event.assessment.reasonCodes.join(' ');
  if (event.type === 'reviewed') return event.verdict;
  return event.type.toUpperCase();
}

/** Returns who caused the event: the signer, or the requester of a submission. Undefined if nobody did. */
function actorOf(event: DomainEvent, request: AccessRequest | undefined): string | undefined {
  if (event.type === 'submitted') return request?.requester;
  if (event.type === 'statement_accepted') return event.accepted.statement.iss;
  if (event.type === 'rerouted' || event.type === 'reroute_proposed') return event.reroute.by;
  if (event.type === 'path_switched' || event.type === 'switch_proposed') return event.change.by;
  return 'by' in event && event.by !== undefined && event.by !== '' ? event.by : undefined;
}
