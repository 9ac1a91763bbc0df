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

/** What a requester says about a request. The credential says who the requester is. */
export type RequestTerms = Omit<AccessRequest, 'requester' | 'beneficiary' | 'onBehalfOf' | 'submittedAtMs'>;

/** How an identity authenticates to a gateway, submits requests and gives them back. It cannot approve anything. */
export interface CallerCredential {
  /** Returns a token for one call. */
  token(): Promise<string>;
  ask(asked: RequestTerms): Promise<GatewayCall>;
  end(request: AccessRequest, status: string): Promise<GatewayCall>;
}

const TOKEN_LIFE_MS = 300_000;
const STATEMENT_LIFE_MS = 3_600_000;

/**
 * The credential of an identity with a registered key: it signs its tokens, its submissions and its statements.
 *
 * @param onBehalfOf whom it acts for, nearest first; they are shown, and none of them can approve
 */
export function byKey(
  principal: PrincipalId,
  key: SigningKey,
  gateway: string,
  onBehalfOf: readonly PrincipalId[] = [],
): CallerCredential {
  return {
    token: () => signCallerToken(principal, gateway, key, { nowMs: Date.now(), lifeMs: TOKEN_LIFE_MS }),
    ask: async (asked) => {
      const parties = { requester: principal, beneficiary: principal, onBehalfOf };
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

/** The credential of an identity with tokens of an issuer (OAuth, CI job OIDC, SPIFFE). The gateway attests what it submits. */
export function byToken(token: () => Promise<string>): CallerCredential {
  return {
    token,
    ask: async (asked) => ({ path: '/v1/asks', body: asked }),
    end: async ({ id }) => ({ path: `/v1/requests/${encodeURIComponent(id)}/end`, body: {} }),
  };
}
