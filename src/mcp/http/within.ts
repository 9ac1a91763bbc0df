import { byToken, type HolderKey, Requester } from '../../enforcement';
import type { Caller } from '../../gateway/auth/caller';
import type { Gateway } from '../../gateway/gateway';
import type { GatewayApp, GatewayContext } from '../../gateway/http/app';
import { HttpProblem } from '../../gateway/http/problem';

/** Refuses calls from browser pages of other origins, which could otherwise get here by DNS rebinding. */
export function checkOrigin(c: GatewayContext, origins: ReadonlySet<string>): void {
  const origin = c.req.header('origin');
  if (origin !== undefined && !origins.has(origin))
    throw new HttpProblem(403, 'pages of this origin may not call the server');
}

export const tokenOf = (c: GatewayContext): string =>
  (c.req.header('authorization') ?? '').split(' ')[1] ?? '';

/**
 * Returns a requester that calls the gateway's own routes, in this process, as exactly the caller of this call. So limits,
 * permissions and records are the same for every entry point.
 */
export function requesterWithin(
  app: GatewayApp,
  { publicUrl, authenticator }: Gateway,
  caller: Caller,
  token: string,
  holderKey?: HolderKey,
): Promise<Requester> {
  const within: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    authenticator.vouchFor(request, caller);
    return app.fetch(request);
  };
  return Requester.at({
    gateway: publicUrl,
    credential: byToken(async () => token),
    ...(holderKey && { holderKey }),
    fetch: within,
  });
}

/** Returns the requester of the gateway's own gate: `gateway.yaml` says as whom this process carries out calls of tools. */
export const executorWithin = (app: GatewayApp, gateway: Gateway, as: string): Promise<Requester> =>
  requesterWithin(
    app,
    gateway,
    {
      principal: as,
      onBehalfOf: [],
      via: { issuer: gateway.publicUrl, subject: as, token: 'gateway.yaml' },
      chain: [],
      expiresAtMs: Number.POSITIVE_INFINITY,
    },
    'gateway.yaml',
  );
