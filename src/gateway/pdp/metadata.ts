import { randomUUID } from 'node:crypto';
import type { GatewayKeys } from '../keys';

export const AUTHZEN_CONFIGURATION = 'authzen-configuration';
const ACCESS_REQUEST_CAPABILITY = 'urn:openid:authzen:capability:access-request';

/** Returns this decision point's metadata (AuthZEN "Policy Decision Point Metadata", profile "Discovery"). */
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

/** Returns the metadata as a signed JWT. It leaves out `signed_metadata` itself, as the specification says. */
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
