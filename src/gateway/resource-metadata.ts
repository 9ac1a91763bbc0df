import { DPOP_ALGORITHMS } from '../signing/dpop';
import type { GatewayConfig } from './config';

/** Where the MCP endpoint is. It is a protected resource of its own, so tokens may be for it alone. */
export const MCP_PATH = '/mcp';

const OAUTH_RESOURCE = 'oauth-protected-resource';

/**
 * Returns the path of a well-known document about an identifier: the identifier's own path comes after the name (RFC 8414 section
 * 3.1, RFC 9728 section 3.1).
 */
export function wellKnownPath(name: string, identifier: string): string {
  const { pathname } = new URL(identifier);
  return `/.well-known/${name}${pathname.replace(/\/+$/, '')}`;
}

/** A protected resource in the sense of OAuth: what its metadata say, and where they are (RFC 9728). */
export function protectedResource(resource: string, name: string, { issuers }: GatewayConfig) {
  const servers = issuers.filter(({ kind }) => kind === 'oauth').map(({ issuer }) => issuer);
  const path = wellKnownPath(OAUTH_RESOURCE, resource);
  return {
    path,
    /** The same as a whole address, for challenges. */
    url: new URL(path, resource).href,
    metadata: {
      resource,
      resource_name: name,
      ...(servers.length > 0 && { authorization_servers: servers }),
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: [...DPOP_ALGORITHMS],
    },
  };
}
