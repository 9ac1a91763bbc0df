import type { PrincipalId } from './principal';

/** What is asked for: an action on a resource of a target that a connector reaches. */
export interface Entitlement {
  readonly connector: string;
  readonly resource: string;
  readonly action: string;
}

/** The exact action an `execution` request proposes. */
export interface ExecutionParameters {
  readonly tool: string;
  readonly toolVersion: string;
  readonly target: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/**
 * An access request, immutable once submitted. Its digest covers every member, so a changed argument, scope,
 * duration or beneficiary is another request (TTA-3).
 */
export interface AccessRequest {
  readonly id: string;
  readonly kind: 'access' | 'execution';
  readonly requester: PrincipalId;
  readonly beneficiary: PrincipalId;
  readonly entitlement: Entitlement;
  readonly parameters?: ExecutionParameters;
  readonly durationMs: number;
  readonly emergency: boolean;
  /** Names the condition, listed by policy beforehand, under which an emergency request is made. */
  readonly emergencyCondition?: string;
  readonly reason: string;
  readonly ticket?: string;
  /** Whom the requester acts for, nearest first. */
  readonly onBehalfOf: readonly PrincipalId[];
  readonly containment?: string;
  readonly rollback?: string;
  readonly submittedAtMs: number;
}

/** A compact JWS as it came over the wire. Nothing in it is believed before it is verified. */
export interface SignedEnvelope {
  readonly format: 'jws';
  readonly jws: string;
}

/** A request with the proof that its requester submitted exactly this. */
export interface Submission {
  readonly request: AccessRequest;
  readonly proof: SignedEnvelope;
}

/** The relations in which a request itself names someone, whatever an assessment says. */
export function relationsNamedIn(request: AccessRequest, id: PrincipalId) {
  const relations: ('requester' | 'beneficiary' | 'delegator')[] = [];
  if (id === request.requester) relations.push('requester');
  if (id === request.beneficiary) relations.push('beneficiary');
  if (request.onBehalfOf.includes(id)) relations.push('delegator');
  return relations;
}

/** The words by which lists and leases name an entitlement: `connector:resource#action`. */
export function entitlementName(entitlement: Entitlement): string {
  return `${entitlement.connector}:${entitlement.resource}#${entitlement.action}`;
}
