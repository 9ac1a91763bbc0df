import { z } from 'zod';
import { describeIssues } from '../../contracts/problem';
import { TargetUnavailable } from '../../database/unavailable';
import type { Gateway } from '../gateway';
import type { GatewayApp, GatewayContext } from '../http/app';
import { readJsonText, readObject } from '../http/body';
import { HttpProblem } from '../http/problem';
import { networkOf } from '../http/rate-limit';
import { listOf, resourceTypes, schemas, serviceProviderConfig } from '../scim/discovery';
import { parseFilter } from '../scim/filter';
import { patchSchema } from '../scim/patch';
import { invalid, ScimProblem } from '../scim/problem';
import { KINDS, type ResourceKind } from '../scim/schema';
import { MOST_RESULTS } from '../scim/search';
import { type Answer, namesVersion, type ScimService } from '../scim/service';
import type { PushedSource } from '../scim/tokens';
import { type Projection, projected } from '../scim/view';
import { type Add, addressOf } from './adder';

const BASE = '/scim/v2';
/** A group of fifty thousand members fits. */
const BODY_BYTES = 4 * 1024 * 1024;
const JSON_LIMITS = { depth: 12, members: 400_000 };
const SCIM_JSON = /^application\/(scim\+)?json\s*(;|$)/i;
const MOST_ATTRIBUTES = 64;

const querySchema = z.object({
  filter: z.string().min(1).optional(),
  startIndex: z.coerce.number().int().max(1_000_000).default(1),
  count: z.coerce.number().int().max(1_000_000).default(100),
});
const searchSchema = querySchema.extend({
  attributes: z.array(z.string().max(300)).max(MOST_ATTRIBUTES).default([]),
  excludedAttributes: z.array(z.string().max(300)).max(MOST_ATTRIBUTES).default([]),
});

interface Call {
  readonly c: GatewayContext;
  readonly scim: ScimService;
  readonly source: PushedSource;
}

type Method = (call: Call) => Promise<Response> | Response;
type Methods = Readonly<Record<string, Method>>;

/** What of the gateway the SCIM server needs. */
type Needed = Pick<Gateway, 'scim' | 'limiter' | 'log'> & {
  readonly config: { readonly limits: Pick<Gateway['config']['limits'], 'scim' | 'unauthenticated'> };
};

/** Adds the SCIM 2.0 server (RFC 7644) for identity providers that push. It describes itself, so the OpenAPI document leaves it out. */
export function addScim(_add: Add, gateway: Needed, app: GatewayApp): void {
  const { scim } = gateway;
  if (scim === undefined) return;
  app.all(`${BASE}/*`, async (c) => {
    c.set('route', `${BASE}/{resource}`);
    try {
      return await answer(c, gateway, scim);
    } catch (error) {
      return problemAnswer(c, error, gateway);
    }
  });
}

async function answer(c: GatewayContext, { limiter, config }: Needed, scim: ScimService): Promise<Response> {
  let source: PushedSource;
  try {
    source = await scim.recognise(c.req.header('authorization'));
  } catch (error) {
    if (error instanceof ScimProblem && error.status === 401)
      limiter.take(networkOf(addressOf(c)), 'unauthenticated', config.limits.unauthenticated);
    throw error;
  }
  limiter.take(source.name, 'scim', config.limits.scim);
  const steps = c.req.path.slice(c.req.path.indexOf(BASE) + BASE.length + 1).split('/');
  const methods = methodsOf(steps.map(decodeStep), scim);
  if (methods === undefined) throw new ScimProblem(404, 'there is nothing here');
  const method = Object.hasOwn(methods, c.req.method) ? methods[c.req.method] : undefined;
  if (method === undefined)
    throw new ScimProblem(405, 'this method is not for this address', undefined, {
      Allow: Object.keys(methods).join(', '),
    });
  return method({ c, scim, source });
}

function methodsOf([first = '', second, ...more]: readonly string[], scim: ScimService): Methods | undefined {
  if (more.length > 0) return undefined;
  const { baseUrl } = scim;
  const kind = KINDS.find(({ endpoint }) => endpoint === first);
  if (kind !== undefined) {
    if (second === undefined) return collection(kind);
    return second === '.search' ? search([kind]) : one(kind, second);
  }
  switch (first) {
    case '.search':
      return second === undefined ? search(KINDS) : undefined;
    case 'ServiceProviderConfig':
      return second === undefined ? fixed(() => serviceProviderConfig(baseUrl)) : undefined;
    case 'ResourceTypes':
      return described(resourceTypes(baseUrl), second);
    case 'Schemas':
      return described(schemas(baseUrl), second);
    default:
      return undefined;
  }
}

const fixed = (body: () => object): Methods => ({
  GET: ({ c }) => {
    // RFC 7644 section 4: a filter on these is refused, so that nobody takes the whole list for its result.
    if (c.req.query('filter') !== undefined) throw new ScimProblem(403, 'this address takes no filter');
    return scimJson(c, body());
  },
});

function described(all: readonly { readonly id: string }[], id: string | undefined): Methods | undefined {
  if (id === undefined) return fixed(() => listOf(all));
  const found = all.find((one) => one.id === id);
  return found && fixed(() => found);
}

const collection = (kind: ResourceKind): Methods => ({
  GET: ({ c, scim, source }) => list(c, scim, source, [kind], querySchema, c.req.query(), projectionOf(c)),
  POST: async ({ c, scim, source }) => {
    const made = await scim.create(source, kind, await bodyOf(c));
    return shown(c, made, 201, { Location: `${scim.baseUrl}/${kind.endpoint}/${made.resource['id']}` });
  },
});

const search = (kinds: readonly ResourceKind[]): Methods => ({
  POST: async ({ c, scim, source }) => {
    const asked = decoded(searchSchema, await bodyOf(c));
    const projection = { attributes: asked.attributes, excluded: asked.excludedAttributes };
    return list(c, scim, source, kinds, querySchema, asked, projection);
  },
});

const one = (kind: ResourceKind, id: string): Methods => ({
  GET: async ({ c, scim, source }) => {
    const found = await scim.get(source, kind, id);
    const known = c.req.header('if-none-match');
    const version = Number(/\d+/.exec(found.etag)?.[0]);
    if (known !== undefined && namesVersion(known, { version }))
      return c.body(null, 304, { ETag: found.etag });
    return shown(c, found);
  },
  PUT: async ({ c, scim, source }) =>
    shown(c, await scim.replace(source, kind, id, await bodyOf(c), c.req.header('if-match'))),
  PATCH: async ({ c, scim, source }) => {
    const operations = decoded(patchSchema, await bodyOf(c));
    return shown(c, await scim.patch(source, kind, id, operations, c.req.header('if-match')));
  },
  DELETE: async ({ c, scim, source }) => {
    await scim.remove(source, kind, id, c.req.header('if-match'));
    return c.body(null, 204);
  },
});

async function list(
  c: GatewayContext,
  scim: ScimService,
  source: PushedSource,
  kinds: readonly ResourceKind[],
  schema: typeof querySchema,
  asked: unknown,
  projection: Projection,
): Promise<Response> {
  const { filter, startIndex, count } = decoded(schema, asked);
  const query = {
    filter: filter === undefined ? undefined : parseFilter(filter),
    startIndex: Math.max(1, startIndex),
    count: Math.min(MOST_RESULTS, Math.max(0, count)),
  };
  const { resources, total } = await scim.search.page(source.name, kinds, query);
  return scimJson(
    c,
    listOf(
      resources.map((resource) => projected(resource, projection)),
      total,
      query.startIndex,
    ),
  );
}

const shown = (
  c: GatewayContext,
  { resource, etag }: Answer,
  status: 200 | 201 = 200,
  headers: Readonly<Record<string, string>> = {},
): Response => scimJson(c, projected(resource, projectionOf(c)), status, { ETag: etag, ...headers });

const scimJson = (
  c: GatewayContext,
  body: object,
  status: 200 | 201 = 200,
  headers: Readonly<Record<string, string>> = {},
): Response => c.body(JSON.stringify(body), status, { 'content-type': 'application/scim+json', ...headers });

function projectionOf(c: GatewayContext): Projection {
  const named = (name: string) => {
    const names = (c.req.query(name) ?? '').split(',').filter((one) => one.trim() !== '');
    if (names.length > MOST_ATTRIBUTES) throw invalid(`${name} has more than ${MOST_ATTRIBUTES} names`);
    return names;
  };
  return { attributes: named('attributes'), excluded: named('excludedAttributes') };
}

async function bodyOf(c: GatewayContext): Promise<Readonly<Record<string, unknown>>> {
  const body = readObject(await readJsonText(c, BODY_BYTES, SCIM_JSON), JSON_LIMITS);
  if (typeof body === 'string') throw invalid(body, 'invalidSyntax');
  return body;
}

function decoded<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(describeIssues(result.error, 'request').slice(0, 600), 'invalidSyntax');
}

function decodeStep(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return '';
  }
}

function problemAnswer(c: GatewayContext, error: unknown, { log }: Needed): Response {
  const problem = problemOf(error);
  if (problem.status === 500 && !(error instanceof ScimProblem))
    log.error(
      { requestId: c.get('requestId'), error: error instanceof Error ? error.message : 'unknown' },
      'request failed',
    );
  return c.body(JSON.stringify(problem.body()), problem.status, {
    'content-type': 'application/scim+json',
    ...problem.headers,
  });
}

function problemOf(error: unknown): ScimProblem {
  if (error instanceof ScimProblem) return error;
  if (error instanceof HttpProblem)
    return new ScimProblem(
      error.status,
      error.detail,
      error.status === 400 ? 'invalidSyntax' : undefined,
      error.about.headers,
    );
  if (error instanceof TargetUnavailable)
    return new ScimProblem(503, 'the database cannot be reached', undefined, { 'Retry-After': '5' });
  return new ScimProblem(500, 'something went wrong here');
}
