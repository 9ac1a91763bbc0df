import type { Assessment, LinkedPrecedent } from '../domain/assessment';
import type { DenialReport, EarlierAsk, EarlierGrant, Precedents } from '../domain/precedents';
import { type AccessRequest, entitlementName } from '../domain/request';

/** A request and what was decided on it when it was made. */
export interface RecordedRequest {
  readonly request: AccessRequest;
  readonly assessment: Assessment;
}

/**
 * What went before a request, as far as its own record tells: which earlier requests and denials it was linked to, and how
 * many emergencies. Who was asked then is on the record of the earlier requests, where they are among those at hand.
 */
export function pastOnRecord(
  { request, assessment }: RecordedRequest,
  others: ReadonlyMap<string, RecordedRequest>,
): Precedents {
  const linked = assessment.precedents ?? [];
  return {
    asks: linked
      .filter(({ kind }) => kind !== 'reported-denial')
      .map((precedent) => askOf(precedent, { request, assessment }, others.get(precedent.id))),
    denials: linked
      .filter(({ kind }) => kind === 'reported-denial')
      .map((precedent) => denialOf(precedent, request)),
    grants: grantsOf(request, assessment),
  };
}

function askOf(
  { kind, id, about, by, atMs }: LinkedPrecedent,
  { request, assessment }: RecordedRequest,
  earlier: RecordedRequest | undefined,
): EarlierAsk {
  const stages = earlier?.assessment.path?.stages ?? [];
  const end = kind === 'unanswered' ? 'ended' : kind;
  return {
    request: id,
    requester: earlier?.request.requester ?? request.requester,
    beneficiary: earlier?.request.beneficiary ?? request.beneficiary,
    entitlement: about,
    askedAtMs: atMs,
    outcome: outcomeOf(kind),
    approvers: Object.fromEntries(stages.map((stage) => [stage.name, stage.eligible])),
    ...((end === 'ended' || end === 'denied' || end === 'cancelled' || end === 'withdrawn') && { end }),
    ...(by !== undefined && { endedBy: by }),
    // It counted then, so it had ended lately enough; when exactly is not on record.
    ...(kind !== 'open' && { endedAtMs: assessment.assessedAtMs }),
    granted: false,
  };
}

function outcomeOf(kind: LinkedPrecedent['kind']): Assessment['outcome'] {
  if (kind === 'hard-stop') return 'hard_stop';
  return kind === 'refused' ? 'refuse' : 'approve';
}

/** A resource is written `connector:resource`; the name of a control has no colon. */
function denialOf({ id, about, by, atMs }: LinkedPrecedent, request: AccessRequest): DenialReport {
  const [resource = ''] = entitlementName(request.entitlement).split('#');
  return {
    id,
    reportedBy: by ?? 'unknown',
    subject: request.beneficiary,
    ...(about.includes(':') ? { resource: about } : { resource, control: about }),
    reasonCode: 'ON_RECORD',
    deniedAtMs: atMs,
  };
}

function grantsOf(
  { requester, beneficiary }: AccessRequest,
  assessment: Assessment,
): readonly EarlierGrant[] {
  const { facts, reasonCodes, assessedAtMs } = assessment;
  const [recent, unjustified] = [facts['recentEmergencies'], facts['unjustifiedEmergencies']].map(countOf);
  const grant = { request: 'earlier', requester, beneficiary, emergency: true, grantedAtMs: assessedAtMs };
  const emergencies = Array.from(
    { length: recent ?? 0 },
    (_, index): EarlierGrant => (index < (unjustified ?? 0) ? { ...grant, verdict: 'unjustified' } : grant),
  );
  if (!reasonCodes.includes('REVIEW_OVERDUE')) return emergencies;
  return [...emergencies, { ...grant, emergency: false, reviewDueAtMs: assessedAtMs }];
}

/** Facts come from a history. More emergencies than this weigh no more. */
const countOf = (value: unknown): number =>
  typeof value === 'number' && Number.isSafeInteger(value) ? Math.min(Math.max(value, 0), 100) : 0;
