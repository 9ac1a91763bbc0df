import { randomUUID } from 'node:crypto';
import type { GatewayKeys } from '../keys';

export const WELL_KNOWN = '/.well-known/authzen-configuration';
export const ACCESS_REQUEST_CAPABILITY = 'urn:openid:authzen:capability:access-request';

/** What callers find out about this decision point (AuthZEN "Policy Decision Point Metadata", profile "Discovery"). */
export function metadataOf(publicUrl: string) {
  return {
    policy_decision_point: publicUrl,
    access_evaluation_endpoint: `${publicUrl}/access/v1/evaluation`,
    access_evaluations_endpoint: `${publicUrl}/access/v1/evaluations`,
    search_subject_endpoint: `${publicUrl}/access/v1/search/subject`,
    search_resource_endpoint: `${publicUrl}/access/v1/search/resource`,
    search_action_endpoint: `${publicUrl}/access/v1/search/action`,
    access_request_endpoint: `${publicUrl}/access/v1/requests`,
    jwks_uri: `${publicUrl}/access/v1/jwks`,
    capabilities: [ACCESS_REQUEST_CAPABILITY],
  };
}

/** The same, signed. A claim named like its own parameter is left out, as the specification has it. */
export function signedMetadata(publicUrl: string, keys: GatewayKeys, nowMs: number): Promise<string> {
  const iat = Math.floor(nowMs / 1_000);
  return keys.sign('metadata', {
    ...metadataOf(publicUrl),
    iss: publicUrl,
    iat,
    exp: iat + 3_600,
    jti: randomUUID(),
  });
}
