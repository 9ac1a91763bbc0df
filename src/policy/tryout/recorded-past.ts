import type { Assessment, LinkedPrecedent } from '../../domain/assessment';
import type { DenialReport, EarlierAsk, EarlierGrant, Precedents } from '../../domain/precedents';
import type { AccessRequest } from '../../domain/request';

/** A request and its recorded assessment. */
export interface RecordedRequest {
  readonly request: AccessRequest;
  readonly assessment: Assessment;
}

/**
 * Reconstructs the precedents of a request from its own record: the earlier requests and denials that it was linked to,
 * and the number of emergencies. Who was asked then comes from the earlier requests, if they are among the given ones.
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
    // It counted then, so it had ended recently enough; the exact time is not recorded.
    ...(kind !== 'open' && { endedAtMs: assessment.assessedAtMs }),
    granted: false,
  };
}

function outcomeOf(kind: LinkedPrecedent['kind']): Assessment['outcome'] {
  if (kind === 'hard-stop') return 'hard_stop';
  return kind === 'refused' ? 'refuse' : 'approve';
}

/** A resource has the form `connector:resource`; the name of a control has no colon. */
function denialOf({ id, about, by, atMs }: LinkedPrecedent, request: AccessRequest): DenialReport {
  const resource = `${request.entitlement.connector}:${request.entitlement.resource}`;
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

/** The most emergencies to reconstruct. The facts come from a history, and more would make no difference. */
const countOf = (value: unknown): number =>
  typeof value === 'number' && Number.isSafeInteger(value) ? Math.min(Math.max(value, 0), 100) : 0;
