import { randomUUID } from 'node:crypto';
import type { Assessment } from '../../domain/assessment';
import { NO_PRECEDENTS } from '../../domain/precedents';
import type { AccessRequest } from '../../domain/request';
import { assess, type BundleSource, type LoadedBundle, type PolicyBook, type Presented } from '../../policy';
import type { Caller } from '../auth/caller';
import type { DenialBinding } from './binding';
import type { DeniedAttempt } from './denial-reports';
import type { Decision, Evaluation } from './entities';
import { asRequest, presentedIn } from './mapping';

/** What an evaluation that presents an approval comes to, judged apart from the ordinary path. */
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
  readonly binding: DenialBinding;
  readonly endpoint: string;
  readonly formsUrl: string;
  readonly reevaluate: Reevaluate;
  /** Hears of what was attempted and denied for good. It must not wait. */
  readonly denied?: (attempt: DeniedAttempt) => void;
  readonly nowMs: () => number;
}

/** Why a request for it would not go anywhere, in the words that a caller matches on. */
const REASONS: Readonly<Record<string, string>> = {
  CONTROL_WEAKENING: 'control_weakening',
  POLICY_HARD_STOP: 'hard_stop',
  FORBIDDEN_BY_POLICY: 'forbidden',
  INACTIVE_IDENTITY: 'inactive_identity',
};

/** The policy decision point. Its ordinary path is memory alone: no workflow, no database, no other service. */
export class DecisionPoint {
  constructor(private readonly options: DecisionPointOptions) {}

  async evaluate(caller: Caller, evaluation: Evaluation): Promise<Decision> {
    const { book } = await this.options.bundles.current();
    const approval = evaluation.context?.['approval'];
    const asked = this.#asked(book, caller, evaluation);
    if (asked === undefined) return denial('unknown');
    if (!asked.mayAsk) return denial('subject_not_authorised');
    const about = this.#assessed(book, asked, evaluation);
    const { assessment } = about;
    if (approval !== undefined)
      return this.#reevaluated(caller, evaluation, approval, assessment, about.request);
    // An execution is let through by its token and by nothing else, also where policy alone releases it (AGE-3).
    const isAccess = about.request.kind === 'access';
    if (isAccess && assessment.outcome === 'permit' && assessment.confirmation === undefined)
      return PERMITTED;
    return this.#denied(caller, evaluation, about);
  }

  /**
   * What policy says of an evaluation now; absent where there is no such subject or entitlement, or the caller may not ask
   * about it. That is found out first: to ask policy takes a thousand times as long.
   */
  assess(book: PolicyBook, caller: Caller, evaluation: Evaluation): Assessed | undefined {
    const asked = this.#asked(book, caller, evaluation);
    return asked?.mayAsk === true ? this.#assessed(book, asked, evaluation) : undefined;
  }

  #asked(book: PolicyBook, caller: Caller, evaluation: Evaluation): Asking | undefined {
    const { enforcementPoints, nowMs } = this.options;
    const isEnforcing = enforcementPoints.has(caller.principal);
    const atMs = nowMs();
    const first = asRequest(book, caller, evaluation, atMs);
    const { beneficiary, request } = first;
    if (beneficiary === undefined || request === undefined) return undefined;
    const isOwn = caller.principal === beneficiary || caller.onBehalfOf.includes(beneficiary);
    return {
      // An enforcement point asks whether its subject may; it does not ask for itself.
      request: isEnforcing ? { ...request, requester: beneficiary, onBehalfOf: [] } : request,
      atMs,
      isEnforcing,
      mayAsk: isEnforcing || isOwn || answersFor(book, caller, beneficiary),
      // Whoever owns an identity may ask what it could do; that is no attempt of the identity.
      isAttempt: isEnforcing || isOwn,
      control: first.entry?.weakens?.control,
    };
  }

  #assessed(book: PolicyBook, asked: Asking, evaluation: Evaluation): Assessed {
    const presented: Presented | undefined = asked.isEnforcing ? presentedIn(evaluation) : undefined;
    return { ...asked, assessment: assess(book, asked.request, asked.atMs, NO_PRECEDENTS, presented) };
  }

  async #denied(
    caller: Caller,
    evaluation: Evaluation,
    { assessment, request, isAttempt, control }: Assessed,
  ): Promise<Decision> {
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
    // A denial that people can turn is the ordinary way to a request, and speaks against nobody.
    if (isAttempt)
      this.options.denied?.({
        sub: request.beneficiary,
        resource: `${request.entitlement.connector}:${request.entitlement.resource}`,
        ...(control !== undefined && { control }),
        reasonCode: code === '' ? 'NOT_PERMITTED' : code,
      });
    return denial(REASONS[code] ?? 'not_permitted', assessment);
  }

  async #reevaluated(
    caller: Caller,
    evaluation: Evaluation,
    approval: unknown,
    assessment: Assessment,
    request: AccessRequest,
  ): Promise<Decision> {
    const verdict = await this.options.reevaluate(caller, evaluation, approval);
    if (verdict.ok) {
      const { id, approvedUntil } = verdict;
      return { decision: true, context: { approval: { id, approved_until: approvedUntil } } };
    }
    const { reason, nextAction } = verdict;
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

  /** What turns a denial into one that can be requested; absent where a request would be refused anyway. */
  async #requestable(
    caller: Caller,
    evaluation: Evaluation,
    assessment: Assessment,
    request: AccessRequest,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    const { bundles, binding, endpoint, formsUrl, nowMs } = this.options;
    const { book } = await bundles.current();
    const emergencies =
      assessment.reasonCodes[0] === 'NO_MATCHING_POLICY' ? emergencyWays(book, request, nowMs()) : [];
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
        display: { title: 'Approval is needed', description: 'People who answer for it are asked to sign.' },
      },
    };
  }
}

const PERMITTED: Decision = { decision: true, context: { reason: 'permitted_by_policy' } };

/** What is asked, and what can be said about it without policy. */
interface Asking {
  readonly request: AccessRequest;
  readonly atMs: number;
  readonly isEnforcing: boolean;
  readonly mayAsk: boolean;
  readonly isAttempt: boolean;
  readonly control: string | undefined;
}

interface Assessed extends Asking {
  readonly assessment: Assessment;
}

/** A caller may ask about those it owns or sponsors, besides itself and whom it acts for. */
function answersFor({ directory }: PolicyBook, caller: Caller, subject: string): boolean {
  const identity = directory.identity(subject);
  return identity !== undefined && [identity.owner, identity.sponsor].includes(caller.principal);
}

/** The conditions under which an emergency would let this through. */
export function emergencyWays(book: PolicyBook, request: AccessRequest, atMs: number): readonly string[] {
  return [...book.emergencyConditions].filter((emergencyCondition) => {
    const { outcome } = assess(book, { ...request, emergency: true, emergencyCondition }, atMs);
    return outcome === 'approve' || outcome === 'permit';
  });
}

function denial(reason: string, assessment?: Assessment): Decision {
  const { safeWay } = assessment ?? {};
  return { decision: false, context: { reason, ...(safeWay !== undefined && { safe_way: safeWay }) } };
}
