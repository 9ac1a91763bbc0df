import type { Gateway } from '../../gateway/gateway';
import type { GatewayApp } from '../../gateway/http/app';
import { HttpProblem } from '../../gateway/http/problem';
import { protectedResource } from '../../gateway/resource-metadata';

/**
 * Says whose tokens are taken at `resource`, which is a protected resource of its own (RFC 9728), and returns what tells it to
 * callers who are not recognised: their challenge names the metadata (section 5.1).
 */
export function addResourceMetadata(app: GatewayApp, { config }: Gateway, resource: string) {
  const { path, url, metadata } = protectedResource(resource, 'Countersign for agents', config);
  app.get(path, (c) => c.json(metadata, 200, { 'cache-control': 'public, max-age=300' }));
  return (error: unknown): unknown => {
    if (!(error instanceof HttpProblem) || error.status !== 401) return error;
    const challenges = error.about.headers?.['WWW-Authenticate'] ?? '';
    // Into each challenge, since a client reads the one of the scheme that it uses.
    const named = challenges.replaceAll(/realm="[^"]*"/g, (realm) => `${realm}, resource_metadata="${url}"`);
    return new HttpProblem(401, error.detail, {
      ...error.about,
      headers: { ...error.about.headers, 'WWW-Authenticate': named },
    });
  };
}
