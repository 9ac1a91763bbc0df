import { requestDigest } from '../domain/digest';
import type { PrincipalId } from '../domain/principal';
import type { AccessRequest } from '../domain/request';
import type { SigningKey } from '../signing/keys';
import { signCallerToken, signStatement, signSubmission } from '../signing/sign';

/** One call to a gateway. */
export interface GatewayCall {
  readonly path: string;
  readonly body?: unknown;
}

/** What a requester says of a request; who says it is known by how. */
export type Asked = Omit<AccessRequest, 'requester' | 'beneficiary' | 'onBehalfOf' | 'submittedAtMs'>;

/** How an identity shows a gateway who it is, asks, and gives back. There is nothing here that could approve. */
export interface Voice {
  /** A token for one call; asked for each time, as it may be a new one. */
  token(): Promise<string>;
  ask(asked: Asked): Promise<GatewayCall>;
  end(request: AccessRequest, status: string): Promise<GatewayCall>;
}

const TOKEN_LIFE_MS = 300_000;
const STATEMENT_LIFE_MS = 3_600_000;

/** An identity with a registered key: it signs its token, what it asks for, and its giving back. */
export function byKey(principal: PrincipalId, key: SigningKey, gateway: string): Voice {
  return {
    token: () => signCallerToken(principal, gateway, key, { nowMs: Date.now(), lifeMs: TOKEN_LIFE_MS }),
    ask: async (asked) => {
      const parties = { requester: principal, beneficiary: principal, onBehalfOf: [] };
      const request = { ...asked, ...parties, submittedAtMs: Date.now() };
      return { path: '/v1/requests', body: await signSubmission(request, key) };
    },
    end: async (request, status) => {
      const verb = status === 'active' ? 'revoke' : 'withdraw';
      const draft = { verb, request: request.id, digest: requestDigest(request), revision: 0 } as const;
      const times = { nowMs: Date.now(), lifeMs: STATEMENT_LIFE_MS };
      const statement = await signStatement(draft, principal, key, times);
      return { path: `/v1/requests/${encodeURIComponent(request.id)}/statements`, body: statement };
    },
  };
}

/** An identity that its issuer vouches for (OAuth, a CI job's OIDC token, SPIFFE): the gateway attests what it says. */
export function byToken(token: () => Promise<string>): Voice {
  return {
    token,
    ask: async (asked) => ({ path: '/v1/asks', body: asked }),
    end: async ({ id }) => ({ path: `/v1/requests/${encodeURIComponent(id)}/end`, body: {} }),
  };
}
