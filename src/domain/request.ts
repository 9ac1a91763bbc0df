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

/** A value that an enforcement point may present: nothing that Cedar would read as an entity or an extension. */
export type PresentedValue = string | boolean | number;

/** The properties that an enforcement point states about subject, resource and action (AuthZEN `properties`). */
export interface Presented {
  readonly subject: Readonly<Record<string, PresentedValue>>;
  readonly resource: Readonly<Record<string, PresentedValue>>;
  readonly action: Readonly<Record<string, PresentedValue>>;
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
  /** Properties that policy looks at, as an enforcement point presented them. Only a gateway's attestation may carry them. */
  readonly presented?: Presented;
  readonly durationMs: number;
  /** Access begins at this moment or later, however early it is approved. Absent: as soon as it is approved. */
  readonly notBeforeMs?: number;
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

/** A compact JWS as received. Nothing in it is trusted until it is verified. */
export interface JwsEnvelope {
  readonly format: 'jws';
  readonly jws: string;
}

/**
 * Claims that a passkey signed in a browser, as received (WebAuthn). `claims` is canonical JSON, and its
 * SHA-256 was the challenge; the other members are base64url.
 */
export interface WebauthnEnvelope {
  readonly format: 'webauthn';
  readonly claims: string;
  readonly credentialId: string;
  readonly authenticatorData: string;
  readonly clientDataJSON: string;
  readonly signature: string;
}

/**
 * What somebody chose in a channel such as a chat, as received: a compact JWS by the gateway that took it, which says who chose
 * what with which account.
 */
export interface AttestedEnvelope {
  readonly format: 'attested';
  readonly attested: string;
}

/** A signed message, in one of the accepted signature formats. */
export type SignedEnvelope = JwsEnvelope | WebauthnEnvelope | AttestedEnvelope;

/** Returns the envelope as one text: equal for equal envelopes, and as long as what was received. */
export function envelopeText(envelope: SignedEnvelope): string {
  switch (envelope.format) {
    case 'jws':
      return envelope.jws;
    case 'attested':
      return envelope.attested;
    case 'webauthn':
      return [
        envelope.claims,
        envelope.credentialId,
        envelope.authenticatorData,
        envelope.clientDataJSON,
        envelope.signature,
      ].join('\n');
  }
}

/** A request with the proof that its requester submitted exactly this. */
export interface Submission<Proof extends SignedEnvelope = SignedEnvelope> {
  readonly request: AccessRequest;
  readonly proof: Proof;
}

/** Returns the relations in which the request itself names someone, whatever an assessment says. */
export function relationsNamedIn(request: AccessRequest, id: PrincipalId) {
  const relations: ('requester' | 'beneficiary' | 'delegator')[] = [];
  if (id === request.requester) relations.push('requester');
  if (id === request.beneficiary) relations.push('beneficiary');
  if (request.onBehalfOf.includes(id)) relations.push('delegator');
  return relations;
}

/** How an entitlement is written: `connector:resource#action`. */
export const ENTITLEMENT_NAME = /^([^:#]+):([^#]+)#([^#]+)$/;

/** Parses `connector:resource#action`. Returns undefined if the text is not written like this. */
export function parseEntitlement(text: string): Entitlement | undefined {
  const [, connector, resource, action] = ENTITLEMENT_NAME.exec(text) ?? [];
  if (connector === undefined || resource === undefined || action === undefined) return undefined;
  return { connector, resource, action };
}

/** The name by which lists and leases speak of an entitlement, as `parseEntitlement` reads it. */
export function entitlementName(entitlement: Entitlement): string {
  return `${entitlement.connector}:${entitlement.resource}#${entitlement.action}`;
}
