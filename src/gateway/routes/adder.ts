import { createRoute, type RouteConfig, z } from '@hono/zod-openapi';
import { TRACE_HEADER } from '../../contracts/traceparent';
import type { Caller } from '../auth/caller';
import type { Gateway } from '../gateway';
import type { GatewayApp, GatewayContext } from '../http/app';
import { networkOf } from '../http/network';
import { HttpProblem } from '../http/problem';

type Handler = (c: GatewayContext) => Promise<Response> | Response;
type Limit = keyof Gateway['config']['limits'];

interface RouteOptions {
  readonly limit: Limit | 'open';
  readonly summary: string;
  readonly body?: z.ZodType;
  readonly bodyNeeded?: boolean;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly response?: z.ZodType;
  readonly status?: readonly number[];
}

const anything = z.record(z.string(), z.unknown()).openapi('Object');
const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    detail: z.string(),
    code: z.string().optional(),
  })
  .openapi('Problem');
export const idParams = z.object({ id: z.string().max(128) });

/** Adds one route: its place in the document, its limit, its authentication, its handler. */
export type Add = (method: 'get' | 'post', path: string, options: RouteOptions, handler: Handler) => void;

export function adder(app: GatewayApp, gateway: Gateway): Add {
  return (method, path, options, handler) => {
    const openPath = path.replace(/:([a-z]+)/g, '{$1}');
    app.openAPIRegistry.registerPath(describe(method, openPath, options));
    const spanName = `${method.toUpperCase()} ${openPath}`;
    app.on(method.toUpperCase(), path, async (c) => {
      c.set('route', openPath);
      if (options.limit === 'open') return handler(c);
      const { limit } = options;
      const caller = await authenticated(gateway, c, ({ principal }) =>
        gateway.limiter.take(principal, limit, gateway.config.limits[limit]),
      );
      c.set('caller', caller);
      // Only who has shown who they are has a trace here, and can hand one on.
      const about = { kind: 'server', parent: c.req.header(TRACE_HEADER) } as const;
      return gateway.tracing.span(spanName, about, async (note) => {
        const response = await handler(c);
        note({ 'http.response.status_code': response.status });
        return response;
      });
    });
  };
}

/**
 * Who fails to show who they are is slowed down, by where they call from; whoever shows it is never in their way. They are
 * slowed down by `admit`, as who they are.
 */
export async function authenticated(
  gateway: Gateway,
  c: GatewayContext,
  admit?: (caller: Caller) => void,
): Promise<Caller> {
  try {
    return await gateway.authenticator.authenticate(c, admit);
  } catch (error) {
    if (error instanceof HttpProblem && error.status === 401)
      gateway.limiter.take(networkOf(addressOf(c)), 'unauthenticated', gateway.config.limits.unauthenticated);
    throw error;
  }
}

function describe(method: 'get' | 'post', path: string, options: RouteOptions): RouteConfig {
  const {
    summary,
    body,
    bodyNeeded = true,
    params,
    query,
    response = anything,
    limit,
    status = [200],
  } = options;
  const failures = limit === 'open' ? [404, 503] : [400, 401, 403, 404, 409, 410, 413, 429, 503];
  const request = {
    ...(params && { params }),
    ...(query && { query }),
    ...(body && { body: { required: bodyNeeded, content: { 'application/json': { schema: body } } } }),
  };
  const good = status.map((code) => [
    code,
    { description: 'done', content: { 'application/json': { schema: response } } },
  ]);
  const bad = failures.map((code) => [
    code,
    { description: 'refused', content: { 'application/problem+json': { schema: problemSchema } } },
  ]);
  return createRoute({
    method,
    path,
    summary,
    request,
    ...(limit !== 'open' && { security: [{ token: [] }] }),
    responses: Object.fromEntries([...good, ...bad]),
  });
}

/** The other end of the connection. Behind a proxy that is the proxy, which has limits of its own. */
function addressOf(c: GatewayContext): string {
  const env: unknown = c.env;
  const incoming = typeof env === 'object' && env !== null && 'incoming' in env ? env.incoming : undefined;
  const remote =
    typeof incoming === 'object' && incoming !== null && 'socket' in incoming ? incoming.socket : undefined;
  return typeof remote === 'object' && remote !== null && 'remoteAddress' in remote
    ? String(remote.remoteAddress)
    : 'unknown';
}

export const idOf = (c: GatewayContext): string => (c.req.param('id') ?? '').slice(0, 128);
