import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { CountersignClient } from '../client';
import { CountersignError } from '../contracts/error';
import { isDecided } from '../contracts/progress';
import { type RequestRow, type RequestView, requestViewSchema } from '../contracts/snapshot';
import type { PrincipalId } from '../domain/principal';
import type { AccessRequest } from '../domain/request';
import { type Context, withClient } from './context';
import { usageError } from './output';
import { findSigner, type SignerOptions } from './signer';
import type { ReadRequest } from './verified';

/** Requests, behind Temporal or behind a gateway. */
export interface Requests
  extends Pick<CountersignClient, 'list' | 'submit' | 'sendStatement' | 'leaveStatement'> {
  get(requestId: string): Promise<RequestView>;
  waitForDecision(requestId: string, waiting: { readonly timeoutMs: number }): Promise<RequestView>;
  submissionOf(requestId: string): Promise<{ readonly request: AccessRequest }>;
  /** Returns a request with what of it is proved: by the bundle here, or by the gateway. */
  read(requestId: string): Promise<ReadRequest>;
  /** The client of Temporal, where the requests are behind it: what it says has to be verified here. */
  readonly temporal?: CountersignClient;
}

export interface GatewayOption {
  readonly gateway?: string;
}

interface AskerOptions extends SignerOptions {
  /** True for commands that only read: a browser sign-in is enough for them. */
  readonly reads?: true;
}

/** Runs something with the requests that the options or the settings lead to. `signer` says who asks a gateway. */
export async function withRequests<T>(
  context: Context,
  options: GatewayOption & AskerOptions,
  use: (requests: Requests) => Promise<T>,
): Promise<T> {
  const gateway = options.gateway ?? (await gatewayWithoutTemporal(context));
  if (gateway === undefined) return withClient(context, (client) => use(atTemporal(client, context)));
  if (!URL.canParse(gateway) || !/^https?:$/.test(new URL(gateway).protocol))
    throw usageError('--gateway: not an address such as https://countersign.example');
  return use(await atGateway(gateway, options, context));
}

async function gatewayWithoutTemporal({ settings, sources }: Context): Promise<string | undefined> {
  if (settings.COUNTERSIGN_GATEWAY === undefined || sources.stack !== undefined) return undefined;
  const { temporalConfig } = await import('./temporal.js');
  const { address } = temporalConfig(undefined).connectionOptions;
  return address === undefined ? settings.COUNTERSIGN_GATEWAY : undefined;
}

const atTemporal = (client: CountersignClient, context: Context): Requests => ({
  temporal: client,
  // Verifying takes longer to load than help may take.
  read: async (id) => (await import('./verified.js')).readRequest(context, client, id),
  get: (id) => client.get(id),
  list: (filter) => client.list(filter),
  submit: (submission) => client.submit(submission),
  submissionOf: (id) => client.submissionOf(id),
  sendStatement: (id, statement) => client.sendStatement(id, statement),
  leaveStatement: (id, verb, statement) => client.leaveStatement(id, verb, statement),
  waitForDecision: (id, waiting) => client.waitForDecision(id, waiting),
});

const viewAnswerSchema = z.object({
  view: requestViewSchema,
  proof: z.discriminatedUnion('holds', [
    z
      .object({ holds: z.literal(true), server_says: z.array(z.string()) })
      .transform(({ holds, server_says: serverSays }) => ({ holds, serverSays })),
    z.object({ holds: z.literal(false), code: z.string(), why: z.string() }),
  ]),
  gone: z.object({ workflow: z.string(), says: z.string() }).exactOptional(),
});
const time = z.coerce.date().exactOptional();
const rowsSchema = z.object({
  requests: z.array(
    z.object({
      id: z.string(),
      startedAt: time,
      status: z.string(),
      requester: z.string(),
      beneficiary: z.string(),
      entitlement: z.string(),
      awaiting: z.array(z.string()),
      deadline: time,
      expiresAt: time,
      emergency: z.boolean(),
    }),
  ),
});
const answerSchema = z.object({
  accepted: z.boolean(),
  refusal: requestViewSchema.shape.rejection,
  status: requestViewSchema.shape.status,
  revision: z.number(),
});

/** A gateway says of a request what of it is derived from signatures, so nothing is signed on the server's word alone. */
async function atGateway(address: string, options: AskerOptions, context: Context): Promise<Requests> {
  const { callGateway, identifierOf } = await import('../enforcement/index.js');
  const { calling } = await import('./gateway-calls.js');
  const gateway = identifierOf(address);
  const { principal, token } = await readerAt(gateway, options, context);
  const call = (method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> =>
    calling(async () => callGateway(gateway, method, path, { body, token: await token() }));
  const pathOf = (id: string) => `/v1/requests/${encodeURIComponent(id)}`;
  const read = async (id: string): Promise<ReadRequest> =>
    viewAnswerSchema.parse(await call('GET', `${pathOf(id)}/view`));
  const get = async (id: string): Promise<RequestView> => (await read(id)).view;
  return {
    read,
    get,
    submissionOf: async (id) => {
      const { submission } = await get(id);
      if (submission === undefined) throw new CountersignError('NOT_FOUND', `there is no request ${id}`);
      return submission;
    },
    list: async ({ awaiting, status, idPrefix = '', limit = 100 } = {}) => {
      if (awaiting !== undefined && awaiting !== principal)
        throw usageError(`--awaiting: a gateway lists what awaits ${principal}, who asks it`);
      const path = awaiting === undefined ? '/v1/requests' : '/v1/requests?of=awaiting';
      const { requests } = rowsSchema.parse(await call('GET', path));
      const rows = requests.map((row): RequestRow => ({ ...row, basis: 'derived' }));
      return rows
        .filter((row) => row.id.startsWith(idPrefix) && (status === undefined || row.status === status))
        .slice(0, limit);
    },
    submit: async (submission) => {
      await call('POST', '/v1/requests', submission);
      return submission.request.id;
    },
    sendStatement: async (id, statement) => {
      const { refusal, ...answer } = answerSchema.parse(
        await call('POST', `${pathOf(id)}/statements`, statement),
      );
      return { ...answer, ...(refusal && { refusal }) };
    },
    leaveStatement: async () => {
      throw new CountersignError(
        'NOT_ANSWERING',
        'no worker answers the gateway; send the statement again later',
      );
    },
    waitForDecision: async (id, { timeoutMs }) => {
      for (const untilMs = Date.now() + timeoutMs; ; await sleep(500)) {
        const view = await get(id).catch(passing);
        if (view !== undefined && isDecided(view)) return view;
        if (Date.now() > untilMs)
          throw new CountersignError(
            'TIMED_OUT',
            `request ${id} is ${view?.status ?? 'submitted'}; it continues`,
          );
      }
    },
  };
}

interface GatewayReader {
  readonly principal: PrincipalId;
  readonly token: () => Promise<string>;
}

/** Who asks a gateway: who logged in in a browser, for reading and if no key or other person is named; else whose key it is. */
async function readerAt(gateway: string, options: AskerOptions, context: Context): Promise<GatewayReader> {
  const { findLogin } = await import('./login/stored-login.js');
  const login = options.reads && options.key === undefined ? findLogin(gateway, context) : undefined;
  const wanted = options.as ?? context.settings.COUNTERSIGN_AS ?? login?.person;
  if (login !== undefined && login.person === wanted)
    return { principal: login.person, token: async () => login.token };
  const { principal, key } = await findSigner(options, context);
  const { byKey } = await import('../enforcement/index.js');
  return { principal, token: byKey(principal, key, gateway).token };
}

/** A gateway or a worker that is away for a moment; and a request that is still being read, which has no proof yet. */
function passing(error: unknown): undefined {
  const codes = ['NOT_ANSWERING', 'UNREACHABLE'];
  if (error instanceof CountersignError && codes.includes(error.code)) return undefined;
  throw error;
}
