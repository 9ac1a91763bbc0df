import type { Gateway } from '../../gateway/gateway';
import type { GatewayApp } from '../../gateway/http/app';
import { HttpProblem } from '../../gateway/http/problem';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** Says whose tokens are taken here, and for which resource they have to be (RFC 9728). */
export function addResourceMetadata(app: GatewayApp, { publicUrl, config }: Gateway): void {
  const issuers = config.issuers.filter(({ kind }) => kind === 'oauth').map(({ issuer }) => issuer);
  const metadata = {
    resource: publicUrl,
    resource_name: 'Countersign',
    ...(issuers.length > 0 && { authorization_servers: issuers }),
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: ['ES256', 'EdDSA'],
  };
  app.get(WELL_KNOWN, (c) => c.json(metadata, 200, { 'cache-control': 'public, max-age=300' }));
}

/** Who is not recognised is told where to find out whose token they need (RFC 9728 section 5.1). */
export function challengeOf(error: unknown, publicUrl: string): unknown {
  if (!(error instanceof HttpProblem) || error.status !== 401) return error;
  const challenge = error.about.headers?.['WWW-Authenticate'] ?? 'Bearer realm="countersign"';
  const headers = { 'WWW-Authenticate': `${challenge}, resource_metadata="${publicUrl}${WELL_KNOWN}"` };
  return new HttpProblem(401, error.detail, { ...error.about, headers });
}
