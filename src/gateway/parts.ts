import type { CountersignClient } from '../client';
import { ENFORCEMENT_POINT_ROLE } from '../contracts/denial-report';
import type { Logger } from '../contracts/logger';
import { defined } from '../domain/defined';
import type { Authority } from '../domain/ports';
import { hasAnyRole, type PrincipalId, RECORDER_ROLE } from '../domain/principal';
import type { Resolve } from '../outbound/post';
import type { BundleSource, LoadedBundle } from '../policy';
import type { DpopVerifier } from '../signing/dpop';
import { SeenOnce } from '../signing/seen';
import type { MetricsSink } from '../telemetry/catalogue';
import { TokenUseStore } from '../token-uses/store';
import type { VerifiedRequests } from '../verified/verified-requests';
import { Authenticator } from './auth/authenticate';
import { DpopNonces } from './auth/dpop-nonces';
import { EndedSessions } from './auth/ended-sessions';
import { IssuerTokens } from './auth/issuer-tokens';
import { ReaderTokens } from './auth/reader-tokens';
import { RegisteredKeyTokens } from './auth/registered-key-tokens';
import { logUnrecognised } from './auth/unrecognised';
import type { UsedOnce } from './auth/used-once';
import type { GatewayConfig } from './config';
import { Reporter } from './execution/report';
import { ExecutionTokens } from './execution/tokens';
import { RateLimiter } from './http/rate-limit';
import type { GatewayKeys } from './keys';
import { DenialBinding } from './pdp/binding';
import { DecisionPoint } from './pdp/decide';
import { DenialReports } from './pdp/denial-reports';
import { RequestMapping } from './pdp/mapping';
import { metadataOf } from './pdp/metadata';
import { Names } from './pdp/names';
import { Searches } from './pdp/search';
import type { Approvals } from './requests/approvals';
import { CallbackStore } from './requests/callback-store';
import { CallbackWatch } from './requests/callback-watch';
import { Callbacks } from './requests/callbacks';
import { TaskRecords } from './requests/records';
import { TaskView } from './requests/task-view';
import { Tasks } from './requests/tasks';

/** How many answered denials are remembered until they expire: in all, and for one caller. */
const MOST_USED = 200_000;
const MOST_USED_BY_ONE = 20_000;

/** What every part of a gateway needs. */
export interface Common {
  readonly config: GatewayConfig;
  readonly publicUrl: string;
  readonly client: CountersignClient;
  readonly bundles: BundleSource<LoadedBundle>;
  readonly keys: GatewayKeys;
  readonly authority: () => Promise<Authority>;
  readonly dpop: DpopVerifier;
  readonly usedOnce: UsedOnce;
  readonly enforcementPoints: ReadonlySet<string>;
  readonly own: OwnStanding;
  readonly log: Logger;
  readonly nowMs: () => number;
}

/** The gateway's own identity. */
export interface OwnStanding {
  /** The identity whose registered key the gateway attests with. */
  readonly recorder: PrincipalId;
  /** True if the directory also lets it report denials. */
  readonly reportsDenials: boolean;
}

/** @throws Error (one line) if the directory does not know the gateway's key, or gives its owner no recorder role */
export async function ownStanding(
  bundles: BundleSource<LoadedBundle>,
  keys: GatewayKeys,
  nowMs: number,
): Promise<OwnStanding> {
  const { context } = await bundles.current();
  const registered = context.directory.keyById(keys.attestation.keyId, nowMs);
  const standing = registered && context.directory.standingOf(registered.principal, nowMs);
  if (standing === undefined || !hasAnyRole(standing, [RECORDER_ROLE]))
    throw new Error(
      `the gateway's key is not registered to an identity with the role ${RECORDER_ROLE}; put its public part into the directory`,
    );
  return { recorder: standing.id, reportsDenials: hasAnyRole(standing, [ENFORCEMENT_POINT_ROLE]) };
}

/** Recognises callers and limits how often they call. */
export function callerParts(
  { config, publicUrl, bundles, keys, dpop, usedOnce, log, nowMs }: Common,
  metrics: MetricsSink,
  sessionStoreUrl: string | undefined,
) {
  const directory = async () => (await bundles.current()).context.directory;
  const ended = new EndedSessions({ url: sessionStoreUrl, log, nowMs });
  const readers = new ReaderTokens({
    ...{ keys, publicUrl, ended, signIn: config.signIn, nowMs },
    used: usedOnce.ofKind('login code'),
    directory: async () => (await bundles.current()).directory,
  });
  const verifiers = [
    ...(config.registeredKeys ? [new RegisteredKeyTokens(publicUrl, directory, nowMs)] : []),
    ...config.issuers.map((issuer) => new IssuerTokens(issuer, publicUrl)),
    ...(config.decidesOnly ? [] : [readers]),
  ];
  // Gateways that do not share what was used refuse each other's nonces, so that none takes a proof that another took.
  const nonceKey =
    sessionStoreUrl === undefined ? undefined : Buffer.from(keys.identifier('', 'dpop nonces'));
  const isActive = async (principal: PrincipalId): Promise<boolean> =>
    (await directory()).standingOf(principal, nowMs())?.active === true;
  return {
    ...{ ended, readers },
    authenticator: new Authenticator(
      ...([verifiers, dpop, publicUrl, isActive, nowMs] as const),
      config.dpop.nonces ? new DpopNonces(nowMs, nonceKey) : undefined,
      logUnrecognised(log, nowMs),
    ),
    limiter: new RateLimiter({
      onRefusal: (limit) => metrics.record('countersign_rate_limited_total', 1, { limit }),
    }),
  };
}

/** Decides evaluations and searches. Reports its own denials if the directory gives it the role. */
export function decisionParts(common: Common, { reevaluate }: Approvals) {
  const { config, publicUrl, client, bundles, keys, enforcementPoints, own, log, nowMs } = common;
  const { access_request_endpoint: endpoint } = metadataOf(publicUrl);
  const binding = new DenialBinding(keys, publicUrl, endpoint, nowMs);
  const denials = own.reportsDenials
    ? new DenialReports({ client, key: keys.attestation, reporter: own.recorder, log, nowMs })
    : undefined;
  const names = new Names(config.names);
  const mapping = new RequestMapping(names, enforcementPoints);
  const decisions = new DecisionPoint({
    ...{ bundles, mapping, enforcementPoints, binding, endpoint, reevaluate, nowMs },
    formsUrl: `${publicUrl}/access/v1`,
    ...defined({ denied: denials?.note.bind(denials) }),
  });
  return { decisions, binding, mapping, searches: new Searches(bundles, decisions, names), denials };
}

/** Takes in access requests, shows them as tasks, and calls back when they are decided. */
export function taskParts(
  common: Common,
  approvals: Approvals,
  {
    verified,
    binding,
    mapping,
  }: {
    readonly verified: VerifiedRequests;
    readonly binding: DenialBinding;
    readonly mapping: RequestMapping;
  },
  {
    callbackStoreUrl,
    resolve,
  }: { readonly callbackStoreUrl?: string | undefined; readonly resolve?: Resolve | undefined },
) {
  const { config, publicUrl, client, bundles, keys, authority, own, usedOnce, log, nowMs } = common;
  const { access_request_endpoint: endpoint } = metadataOf(publicUrl);
  const used = usedOnce.ofKind('denial', new SeenOnce(MOST_USED, nowMs, MOST_USED_BY_ONE));
  const records = new TaskRecords(client, keys, authority, nowMs);
  const callbacks = new Callbacks(config.callbacks, resolve);
  const view = new TaskView({ client, verified, approvals, publicUrl, endpoint, nowMs });
  const store = callbackStoreOf(config, callbackStoreUrl, log);
  const watch =
    store &&
    new CallbackWatch({
      ...{ store, callbacks, records, log, nowMs },
      describe: async (record) => view.describe(record, await view.look(record, 0)),
      messageId: (taskId) => keys.identifier('msg_', 'callback', taskId),
    });
  watch?.due.start();
  const { recorder } = own;
  return {
    tasks: new Tasks({
      ...{ client, keys, recorder, bundles, binding, mapping, used, records, callbacks, view, nowMs },
      ...defined({ watch }),
    }),
    stopCallbacks: async () => {
      await watch?.due.stop();
      await store?.close();
    },
  };
}

/** @throws Error (one line) if callbacks are configured without a database to keep them in */
function callbackStoreOf({ callbacks }: GatewayConfig, url: string | undefined, log: Logger) {
  if (callbacks.length === 0) return undefined;
  if (url === undefined)
    throw new Error('callbacks are configured, but there is no database to keep what is owed in');
  return new CallbackStore({ url, log });
}

/** Releases and redeems execution tokens, and reports what became of executions. */
export function executionParts(common: Common, urls: ReadonlyMap<string, string>) {
  const { publicUrl, client, keys, authority, dpop, usedOnce, own, log, nowMs } = common;
  const executed = usedOnce.ofKind('execution');
  const tokenUses = new Map([...urls].map(([name, url]) => [name, new TokenUseStore({ url, nowMs, log })]));
  const reporter = new Reporter(client, keys, own.recorder, log, nowMs);
  return {
    executions: new ExecutionTokens({
      ...{ client, keys, publicUrl, tokenUses, authority, dpop, executed, reporter, nowMs },
    }),
    closeStores: async () => {
      await Promise.all([...tokenUses.values()].map((store) => store.close()));
    },
  };
}
