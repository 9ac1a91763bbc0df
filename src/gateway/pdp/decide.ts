import { randomUUID } from 'node:crypto';
import { remedyOnWire } from '../../contracts/remedy';
import type { Assessment } from '../../domain/assessment';
import { NO_PRECEDENTS } from '../../domain/precedents';
import type { AccessRequest } from '../../domain/request';
import { assess, type BundleSource, type LoadedBundle, type PolicyContext } from '../../policy';
import type { Caller } from '../auth/caller';
import type { DenialBinding } from './binding';
import type { DeniedAttempt } from './denial-reports';
import type { Decision, Evaluation } from './entities';
import type { RequestMapping } from './mapping';

/** Judges an evaluation that presents an approval. */
export type Reevaluate = (
  caller: Caller,
  evaluation: Evaluation,
  approval: unknown,
) => Promise<{ readonly ok: true; readonly approvedUntil: string; readonly id: string } | Denied>;

export interface Denied {
  readonly ok: false;
  readonly reason: string;
  readonly nextAction: 'request' | 'retry' | 'none';
}

export interface DecisionPointOptions {
  readonly bundles: BundleSource<LoadedBundle>;
  readonly enforcementPoints: ReadonlySet<string>;
  readonly mapping: RequestMapping;
  readonly binding: DenialBinding;
  readonly endpoint: string;
  readonly formsUrl: string;
  readonly reevaluate: Reevaluate;
  /** Called with each attempt that was denied and cannot be requested. It must not block. */
  readonly denied?: (attempt: DeniedAttempt) => void;
  readonly nowMs: () => number;
}

/** Reasons that callers match on, by reason code, for denials that cannot be requested. */
const REASONS: Readonly<Record<string, string>> = {
  CONTROL_WEAKENING: 'control_weakening',
  POLICY_HARD_STOP: 'hard_stop',
  FORBIDDEN_BY_POLICY: 'forbidden',
  INACTIVE_IDENTITY: 'inactive_identity',
};

/** The policy decision point. Plain evaluations use memory only: no workflow, no database, no other service. */
export class DecisionPoint {
  constructor(private readonly options: DecisionPointOptions) {}

  async evaluate(caller: Caller, evaluation: Evaluation): Promise<Decision> {
    const { context } = await this.options.bundles.current();
    const approval = evaluation.context?.['approval'];
    const asked = this.#asked(context, caller, evaluation);
    if (asked === undefined) {
      const unknown = denial('unknown');
      const wrong = this.options.mapping.wrongMember(context, evaluation);
      return { ...unknown, context: { ...unknown.context, ...wrong } };
    }
    if (!asked.mayAsk) return denial('subject_not_authorised');
    const about = assessed(context, asked);
    const { assessment } = about;
    if (approval !== undefined)
      return this.#reevaluated(caller, evaluation, approval, assessment, about.request);
    // Only a token lets an execution through, even if policy permits it without approval (AGE-3).
    const isAccess = about.request.kind === 'access';
    if (isAccess && assessment.outcome === 'permit' && assessment.confirmation === undefined)
      return PERMITTED;
    return this.#denied(caller, evaluation, about);
  }

  /**
   * Returns what policy says about an evaluation now. Returns undefined if the subject or entitlement does not exist, or if the
   * caller may not ask about it. Those are checked first because evaluating policy takes a thousand times as long.
   */
  assess(context: PolicyContext, caller: Caller, evaluation: Evaluation): Assessed | undefined {
    const asked = this.#asked(context, caller, evaluation);
    return asked?.mayAsk === true ? assessed(context, asked) : undefined;
  }

  #asked(context: PolicyContext, caller: Caller, evaluation: Evaluation): Asking | undefined {
    const { enforcementPoints, mapping, nowMs } = this.options;
    const isEnforcing = enforcementPoints.has(caller.principal);
    const atMs = nowMs();
    const first = mapping.asRequest(context, caller, evaluation, atMs);
    const { beneficiary, request } = first;
    if (beneficiary === undefined || request === undefined) return undefined;
    const isOwn = caller.principal === beneficiary || caller.onBehalfOf.includes(beneficiary);
    return {
      // An enforcement point asks for its subject, not for itself.
      request: isEnforcing ? { ...request, requester: beneficiary, onBehalfOf: [] } : request,
      atMs,
      mayAsk: isEnforcing || isOwn || answersFor(context, caller, beneficiary),
      // An owner who asks what an identity could do makes no attempt in its name.
      isAttempt: isEnforcing || isOwn,
      control: first.entry?.weakens?.control,
    };
  }

  async #denied(caller: Caller, evaluation: Evaluation, about: Assessed): Promise<Decision> {
    const { assessment, request, isAttempt, control } = about;
    const requestable = await this.#requestable(caller, evaluation, assessment, request);
    if (requestable !== undefined)
      return {
        decision: false,
        context: {
          ...requestable,
          evaluated_at: new Date(assessment.assessedAtMs).toISOString(),
          reason: assessment.outcome === 'permit' ? 'token_required' : 'approval_required',
        },
      };
    const [code = ''] = assessment.reasonCodes;
    // A denial that can be requested is how requests begin, so it does not count against anyone.
    if (isAttempt)
      this.options.denied?.({
        sub: request.beneficiary,
        resource: `${request.entitlement.connector}:${request.entitlement.resource}`,
        ...(control !== undefined && { control }),
        reasonCode: code === '' ? 'NOT_PERMITTED' : code,
      });
    const denied = denial(REASONS[code] ?? 'not_permitted', assessment);
    if (!isAttempt || !(await this.#needsOnlyTicket(about))) return denied;
    return { ...denied, context: { ...denied.context, remedy: remedyOnWire({ ticket: true }) } };
  }

  /** Returns true if the same with a ticket would be permitted, or go to people. */
  async #needsOnlyTicket(about: Assessed): Promise<boolean> {
    const { assessment, request } = about;
    if (assessment.reasonCodes[0] !== 'NO_MATCHING_POLICY' || request.ticket !== undefined) return false;
    const { context } = await this.options.bundles.current();
    const ticketed = { ...about, request: { ...request, ticket: SOME_TICKET } };
    const { outcome } = assessed(context, ticketed).assessment;
    return outcome === 'permit' || outcome === 'approve';
  }

  async #reevaluated(
    caller: Caller,
    evaluation: Evaluation,
    approval: unknown,
    assessment: Assessment,
    request: AccessRequest,
  ): Promise<Decision> {
    const answer = await this.options.reevaluate(caller, evaluation, approval);
    if (answer.ok) {
      const { id, approvedUntil } = answer;
      return { decision: true, context: { approval: { id, approved_until: approvedUntil } } };
    }
    const { reason, nextAction } = answer;
    if (nextAction !== 'request')
      return {
        decision: false,
        context: { reason, next_action: nextAction, ...(nextAction === 'retry' && { retry_after: 2 }) },
      };
    const requestable = await this.#requestable(caller, evaluation, assessment, request);
    return {
      decision: false,
      context: { ...requestable, reason, next_action: requestable === undefined ? 'none' : 'request' },
    };
  }

  /** Returns what makes a denial requestable, or undefined if a request would be refused anyway. */
  async #requestable(
    caller: Caller,
    evaluation: Evaluation,
    assessment: Assessment,
    request: AccessRequest,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    const { bundles, binding, endpoint, formsUrl, nowMs } = this.options;
    const { context } = await bundles.current();
    const emergencies =
      assessment.reasonCodes[0] === 'NO_MATCHING_POLICY'
        ? emergencyConditionsFor(context, request, nowMs())
        : [];
    const isRequestable = assessment.outcome === 'approve' || assessment.outcome === 'permit';
    if (!isRequestable && emergencies.length === 0) return undefined;
    const { evaluationId, expiresAt, bindingToken } = await binding.make(
      evaluation,
      caller.principal,
      `eval_${randomUUID()}`,
    );
    const query = new URLSearchParams({
      subject_type: evaluation.subject.type,
      subject_id: evaluation.subject.id,
      resource_type: evaluation.resource.type,
      resource_id: evaluation.resource.id,
      action: evaluation.action.name,
    });
    return {
      evaluation_id: evaluationId,
      access_request: {
        endpoint,
        template: emergencies.length > 0 ? 'emergency' : request.kind,
        expires_at: expiresAt,
        binding_token: bindingToken,
        request_schema_url: `${formsUrl}/schemas/${emergencies.length > 0 ? 'emergency' : request.kind}`,
        ...(emergencies.length > 0 && { request_catalogs_url: `${formsUrl}/catalogs?${query}` }),
        display: {
          title: 'Approval is needed',
          description: 'The people responsible for it are asked to sign.',
        },
      },
    };
  }
}

/** A placeholder. Policy only looks at whether there is a ticket. */
export const SOME_TICKET = 'ANY-1';

const PERMITTED: Decision = { decision: true, context: { reason: 'permitted_by_policy' } };

/** What is asked, and what is known about it without evaluating policy. */
interface Asking {
  readonly request: AccessRequest;
  readonly atMs: number;
  readonly mayAsk: boolean;
  readonly isAttempt: boolean;
  readonly control: string | undefined;
}

interface Assessed extends Asking {
  readonly assessment: Assessment;
}

const assessed = (context: PolicyContext, asked: Asking): Assessed => ({
  ...asked,
  assessment: assess(context, asked.request, asked.atMs, NO_PRECEDENTS),
});

/** Returns true if the caller owns or sponsors the subject. */
function answersFor({ directory }: PolicyContext, caller: Caller, subject: string): boolean {
  const identity = directory.identity(subject);
  return identity !== undefined && [identity.owner, identity.sponsor].includes(caller.principal);
}

/** Returns the emergency conditions under which policy would let this through. */
export function emergencyConditionsFor(
  context: PolicyContext,
  request: AccessRequest,
  atMs: number,
): readonly string[] {
  return [...context.emergencyConditions].filter((emergencyCondition) => {
    const { outcome } = assess(context, { ...request, emergency: true, emergencyCondition }, atMs);
    return outcome === 'approve' || outcome === 'permit';
  });
}

function denial(reason: string, assessment?: Assessment): Decision {
  const { safeWay } = assessment ?? {};
  return { decision: false, context: { reason, ...(safeWay !== undefined && { safe_way: safeWay }) } };
}
