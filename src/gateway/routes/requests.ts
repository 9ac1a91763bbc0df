import { z } from '@hono/zod-openapi';
import type { Gateway } from '../gateway';
import type { GatewayContext } from '../http/app';
import { decode, readBody, readJson } from '../http/body';
import { HttpProblem } from '../http/problem';
import { catalogsDocument, emergencyConditions, formSchema } from '../requests/forms';
import { accessRequestBodySchema, cancellationSchema, taskResponseSchema } from '../requests/schema';
import { type Add, idOf, idParams } from './adder';
import { catalogsAnswer, emergencyConditionsAnswer, jsonSchemaAnswer } from './answers';

const LONGEST_WAIT_SECONDS = 30;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

const catalogQuery = z.object({
  subject_type: z.string().max(256),
  subject_id: z.string().max(256),
  resource_type: z.string().max(256),
  resource_id: z.string().max(256),
  action: z.string().max(256),
});
const searchQuery = catalogQuery.extend({ q: z.string().max(128).default('') });

/** Adds the access request service (AuthZEN access request profile). */
export function addRequests(add: Add, { tasks, publicUrl, bundles, decisions, nowMs }: Gateway): void {
  add(
    'post',
    '/access/v1/requests',
    {
      limit: 'submission',
      summary: 'Submit an access request',
      body: accessRequestBodySchema,
      response: taskResponseSchema,
      status: [201, 202],
    },
    async (c) => {
      const key = c.req.header('idempotency-key');
      if (key !== undefined && !IDEMPOTENCY_KEY.test(key))
        throw new HttpProblem(400, 'Idempotency-Key has 1 to 255 visible characters');
      const body = await readBody(c, accessRequestBodySchema);
      const { created, response } = await tasks.submit(c.get('caller'), body, key);
      return c.json(response, created ? 201 : 202, { location: response.task.status_endpoint });
    },
  );
  add(
    'get',
    '/access/v1/requests/:id',
    { limit: 'reading', summary: 'Status of a task', params: idParams, response: taskResponseSchema },
    async (c) => {
      const begunMs = performance.now();
      const response = await tasks.read(c.get('caller'), idOf(c), waitOf(c));
      // A caller that waited here may ask again soon; one that did not is asked to pause longer.
      const again = performance.now() - begunMs >= 900 ? '1' : '5';
      return c.json(response, 200, response.task.status === 'pending' ? { 'retry-after': again } : {});
    },
  );
  add(
    'post',
    '/access/v1/requests/:id/cancel',
    {
      limit: 'submission',
      summary: 'Cancel a task, as a process owner',
      params: idParams,
      body: cancellationSchema,
      bodyNeeded: false,
      response: taskResponseSchema,
    },
    async (c) => {
      const hasBody =
        Number(c.req.header('content-length') ?? 0) > 0 || c.req.header('transfer-encoding') !== undefined;
      const body = hasBody ? decode(await readJson(c), cancellationSchema, 'body') : {};
      return c.json(await tasks.cancel(c.get('caller'), idOf(c), body['urn:countersign:statements'] ?? []));
    },
  );
  add(
    'get',
    '/access/v1/schemas/:id',
    { limit: 'reading', summary: 'What a request adds', params: idParams, response: jsonSchemaAnswer },
    (c) => c.json(formSchema(idOf(c))),
  );
  add(
    'get',
    '/access/v1/catalogs',
    { limit: 'reading', summary: 'Catalogs of a form', query: catalogQuery, response: catalogsAnswer },
    (c) => c.json(catalogsDocument(publicUrl, decode(c.req.query(), catalogQuery, 'query'))),
  );
  add(
    'get',
    '/access/v1/catalog/emergency-conditions',
    {
      limit: 'reading',
      summary: 'Conditions of an emergency',
      query: searchQuery,
      response: emergencyConditionsAnswer,
    },
    async (c) => {
      const { q: search, ...query } = decode(c.req.query(), searchQuery, 'query');
      return c.json(await emergencyConditions(c.get('caller'), query, search, bundles, decisions, nowMs()));
    },
  );
}

/** Returns how long the caller is willing to wait, in milliseconds (RFC 7240 section 4.3). */
function waitOf(c: GatewayContext): number {
  const [, seconds = '0'] = /(?:^|[,;\s])wait=(\d{1,3})(?:$|[,;\s])/.exec(c.req.header('prefer') ?? '') ?? [];
  return Math.min(Number(seconds), LONGEST_WAIT_SECONDS) * 1_000;
}
