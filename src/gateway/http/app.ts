import { randomUUID } from 'node:crypto';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, Next } from 'hono';
import { getPath } from 'hono/utils/url';
import type { Logger } from '../../contracts/logger';
import type { MetricsSink } from '../../telemetry/catalogue';
import type { Caller } from '../auth/caller';
import { HttpProblem } from './problem';

export type GatewayEnv = { Variables: { requestId: string; caller: Caller; route?: string } };
export type GatewayContext = Context<GatewayEnv>;
export type GatewayApp = OpenAPIHono<GatewayEnv>;

/** Request ids that may be echoed into a header and a log line. Others are replaced by our own. */
const REQUEST_ID = /^[\x21-\x7e]{1,200}$/;

const METHODS: ReadonlySet<string> = new Set(['GET', 'POST']);

/** The first step of every address of the gateway's own, below the public address. */
const OWN_STEPS = /^\/(v1|access|mcp|scim|\.well-known)(\/|$)/;

/**
 * Returns what finds the path of a call. A proxy in front of a gateway below a path may take that path off or leave it on; both
 * come out the same. A public path that begins like an address of ours can only be taken off by the proxy.
 */
function pathBelow(publicUrl: string): (request: Request) => string {
  const prefix = new URL(publicUrl).pathname.replace(/\/+$/, '');
  if (prefix === '' || OWN_STEPS.test(prefix)) return getPath;
  return (request) => {
    const path = getPath(request);
    return path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
  };
}

/** Makes an application in which every answer has a request id and every error is problem details (RFC 9457). */
export function createApp(log: Logger, { record }: MetricsSink, publicUrl: string): GatewayApp {
  const app = new OpenAPIHono<GatewayEnv>({ getPath: pathBelow(publicUrl) });
  app.use(async (c: GatewayContext, next: Next) => {
    const begun = performance.now();
    await next();
    record('http_server_request_duration_seconds', (performance.now() - begun) / 1_000, {
      http_request_method: METHODS.has(c.req.method) ? c.req.method : '_OTHER',
      // The route's template, not the address that was called: callers could make any number of those.
      http_route: c.get('route') ?? 'none',
      http_response_status_code: String(c.res.status),
    });
  });
  app.use(async (c: GatewayContext, next: Next) => {
    const given = c.req.header('x-request-id');
    c.set('requestId', given !== undefined && REQUEST_ID.test(given) ? given : randomUUID());
    // Set before there is an answer: changing headers of a finished answer would copy it.
    c.header('x-request-id', c.get('requestId'));
    c.header('cache-control', 'no-store');
    c.header('x-content-type-options', 'nosniff');
    await next();
  });
  app.notFound((c) => problem(c, new HttpProblem(404, 'there is nothing here')));
  app.onError((error, c) => {
    if (error instanceof HttpProblem) return problem(c, error);
    // The error goes to the log only. The caller gets the id to find it there.
    log.error({ requestId: c.get('requestId'), path: c.req.path, error: describe(error) }, 'request failed');
    return problem(c, new HttpProblem(500, `something went wrong here; quote ${c.get('requestId')}`));
  });
  return app;
}

export function problem(c: Context, error: HttpProblem): Response {
  return c.body(JSON.stringify(error.body()), error.status, {
    'content-type': 'application/problem+json',
    ...error.about.headers,
  });
}

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : 'unknown';
