import { randomUUID } from 'node:crypto';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, Next } from 'hono';
import type { Recorder } from '../../telemetry/catalogue';
import type { Caller } from '../auth/caller';
import type { Log } from '../execution/report';
import { HttpProblem } from './problem';

export type GatewayEnv = { Variables: { requestId: string; caller: Caller; route?: string } };
export type GatewayContext = Context<GatewayEnv>;
export type GatewayApp = OpenAPIHono<GatewayEnv>;

/** What may be echoed into a header and a log line. Anything else is answered under an id of ours. */
const REQUEST_ID = /^[\x21-\x7e]{1,200}$/;

const METHODS: ReadonlySet<string> = new Set(['GET', 'POST']);

/** An application on which every answer has a request id, and every error is problem details. */
export function createApp(log: Log, { record }: Recorder): GatewayApp {
  const app = new OpenAPIHono<GatewayEnv>();
  app.use(async (c: GatewayContext, next: Next) => {
    const begun = performance.now();
    await next();
    record('http_server_request_duration_seconds', (performance.now() - begun) / 1_000, {
      http_request_method: METHODS.has(c.req.method) ? c.req.method : '_OTHER',
      // The address as it was described, never as it was called: that can be anything.
      http_route: c.get('route') ?? 'none',
      http_response_status_code: String(c.res.status),
    });
  });
  app.use(async (c: GatewayContext, next: Next) => {
    const given = c.req.header('x-request-id');
    c.set('requestId', given !== undefined && REQUEST_ID.test(given) ? given : randomUUID());
    // Set before there is an answer: an answer that is touched afterwards has to be made anew.
    c.header('x-request-id', c.get('requestId'));
    c.header('cache-control', 'no-store');
    c.header('x-content-type-options', 'nosniff');
    await next();
  });
  app.notFound((c) => problem(c, new HttpProblem(404, 'there is nothing here')));
  app.onError((error, c) => {
    if (error instanceof HttpProblem) return problem(c, error);
    // What went wrong is for the log; a caller learns only where to find it there.
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
