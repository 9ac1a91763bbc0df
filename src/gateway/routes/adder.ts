import { createRoute, type RouteConfig, z } from '@hono/zod-openapi';
import { TRACE_HEADER } from '../../contracts/traceparent';
import { LIMITS } from '../../domain/limits';
import type { Caller } from '../auth/caller';
import type { Gateway } from '../gateway';
import type { GatewayApp, GatewayContext } from '../http/app';
import { HttpProblem } from '../http/problem';
import { networkOf } from '../http/rate-limit';

type Handler = (c: GatewayContext) => Promise<Response> | Response;
type Limit = keyof Gateway['config']['limits'];

interface RouteOptions {
  /** `open`: not limited, for what is cached. `anyone`: no token is needed, and calls are limited by network. */
  readonly limit: Limit | 'open' | 'anyone';
  readonly summary: string;
  readonly body?: z.ZodType;
  readonly bodyNeeded?: boolean;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly response: z.ZodType;
  /** The media type of the answer; JSON if absent. */
  readonly produces?: string;
  /** True if the call needs a DPoP proof whatever its token is. */
  readonly provesKey?: boolean;
  readonly status?: readonly number[];
}

/** The schemes by which a caller authenticates, as the OpenAPI document names them. */
export const BEARER = 'bearer';
export const DPOP = 'dpop';
/** The header of a DPoP proof. A plain bearer token may bring one where something is bound to the key of the proof. */
const proofHeader = z.object({ dpop: z.string().describe('DPoP proof (RFC 9449 section 4.2)') });

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

/** Adds one route to the application and to the OpenAPI document, with its rate limit and authentication. */
export type Add = (method: 'get' | 'post', path: string, options: RouteOptions, handler: Handler) => void;

/** Adds the routes of one part of the gateway. `app` is for those that need the whole surface. */
export type AddRoutes = (add: Add, gateway: Gateway, app: GatewayApp) => void;

export function adder(app: GatewayApp, gateway: Gateway): Add {
  return (method, path, options, handler) => {
    const openPath = path.replace(/:([a-z]+)/g, '{$1}');
    app.openAPIRegistry.registerPath(describe(method, openPath, options));
    const spanName = `${method.toUpperCase()} ${openPath}`;
    app.on(method.toUpperCase(), path, async (c) => {
      c.set('route', openPath);
      if (options.limit === 'open') return handler(c);
      const { limit } = options;
      if (limit === 'anyone') {
        gateway.limiter.take(networkOf(addressOf(c)), 'enrolment', gateway.config.limits.enrolment);
        return handler(c);
      }
      const caller = await authenticated(gateway, c, ({ principal }) =>
        gateway.limiter.take(principal, limit, gateway.config.limits[limit]),
      );
      c.set('caller', caller);
      // Only authenticated callers are traced, and may continue a trace of their own.
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
 * Recognises the caller. Calls that fail to authenticate are limited by network, which never affects authenticated callers;
 * `admit` limits those by identity.
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
    response,
    produces = 'application/json',
    provesKey = false,
    limit,
    status = [200],
  } = options;
  const failures =
    limit === 'open'
      ? [404, 503]
      : limit === 'anyone'
        ? [400, 404, 409, 413, 422, 429, 503]
        : [400, 401, 403, 404, 409, 410, 413, 429, 503];
  const request = {
    ...(params && { params }),
    ...(query && { query }),
    ...(provesKey && { headers: proofHeader }),
    ...(body && { body: { required: bodyNeeded, content: { 'application/json': { schema: body } } } }),
  };
  const good = status.map((code) => [
    code,
    { description: 'done', content: { [produces]: { schema: response } } },
  ]);
  const bad = failures.map((code) => [
    code,
    { description: 'refused', content: { 'application/problem+json': { schema: problemSchema } } },
  ]);
  return createRoute({
    method,
    path,
    operationId: operationIdOf(method, path),
    tags: [path.startsWith('/access/') || path.startsWith('/.well-known/') ? 'AuthZEN' : 'Countersign'],
    summary,
    request,
    security: limit === 'open' || limit === 'anyone' ? [] : [{ [BEARER]: [] }, { [DPOP]: [] }],
    responses: Object.fromEntries([...good, ...bad]),
  });
}

/** A name for generated code: the method and the steps of the path, as in `postV1RequestsIdEnd`. */
const operationIdOf = (method: string, path: string): string =>
  method +
  path
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean)
    .map((step) => step[0]?.toUpperCase() + step.slice(1))
    .join('');

/** The address at the other end of the connection. Behind a proxy this is the proxy, which has limits of its own. */
export function addressOf(c: GatewayContext): string {
  const env: unknown = c.env;
  const incoming = typeof env === 'object' && env !== null && 'incoming' in env ? env.incoming : undefined;
  const remote =
    typeof incoming === 'object' && incoming !== null && 'socket' in incoming ? incoming.socket : undefined;
  return typeof remote === 'object' && remote !== null && 'remoteAddress' in remote
    ? String(remote.remoteAddress)
    : 'unknown';
}

/** The id in the path. @throws HttpProblem 404 if it is longer than any id can be */
export function idOf(c: GatewayContext): string {
  const id = c.req.param('id') ?? '';
  if (id.length > LIMITS.identifierCharacters) throw new HttpProblem(404, 'no id is that long');
  return id;
}
