import type { CountersignClient } from '../client';
import { ExecutionLedger } from '../connectors/execution-token/ledger';
import { ENFORCEMENT_POINT_ROLE } from '../contracts/denial-report';
import type { Ledger } from '../domain/precedents';
import { hasAnyRole, type PrincipalId, RECORDER_ROLE } from '../domain/principal';
import type { Resolve } from '../outbound/post';
import { type BundleSource, type LoadedBundle, remembering } from '../policy';
import { DpopVerifier } from '../signing/dpop';
import { SignedDirectory } from '../signing/signed-directory';
import { type Recorder, SILENT } from '../telemetry/catalogue';
import { type Tracing, UNTRACED } from '../telemetry/tracing';
import { ApproversDesk } from './approver/desk';
import { Authenticator } from './auth/authenticate';
import { IssuerTokens } from './auth/issuer-tokens';
import { RegisteredKeyTokens } from './auth/registered-key-tokens';
import type { GatewayConfig } from './config';
import { type Log, Reporter } from './execution/report';
import { ExecutionTokens } from './execution/tokens';
import { RateLimiter } from './http/rate-limit';
import type { GatewayKeys } from './keys';
import { DenialBinding } from './pdp/binding';
import { DecisionPoint } from './pdp/decide';
import { DenialReports } from './pdp/denial-reports';
import { measuredEvaluation } from './pdp/measured';
import { metadataOf } from './pdp/metadata';
import { Searches } from './pdp/search';
import { Approvals } from './requests/approvals';
import { CallbackStore } from './requests/callback-store';
import { CallbackWatch } from './requests/callback-watch';
import { Callbacks } from './requests/callbacks';
import type { Authority } from './requests/evidence';
import { OwnRequests } from './requests/own';
import { TaskRecords } from './requests/records';
import { TaskView } from './requests/task-view';
import { Tasks } from './requests/tasks';

export interface GatewayOptions {
  readonly config: GatewayConfig;
  readonly publicUrl: string;
  readonly client: CountersignClient;
  readonly bundles: BundleSource<LoadedBundle>;
  readonly keys: GatewayKeys;
  /** Addresses of the ledgers, by the name of their connector. */
  readonly ledgerUrls: ReadonlyMap<string, string>;
  /**
   * What went before, for the proofs that acts rest on, and when what was granted ends. Plain decisions never ask it.
   * Without it nothing is approved for access.
   */
  readonly ledger?: Ledger;
  /** Database in which it is kept who has still to be told what; needed where callbacks are configured. */
  readonly callbackStoreUrl?: string;
  readonly log: Log;
  /** Where calls are counted; nowhere without it. */
  readonly recorder?: Recorder;
  /** Where spans go; nowhere without it. */
  readonly tracing?: Tracing;
  readonly nowMs?: () => number;
  readonly resolve?: Resolve;
}

/** The parts of a gateway, put together. It decides about evaluations; about requests it only carries and attests. */
export type Gateway = Awaited<ReturnType<typeof createGateway>>;

/** @throws Error of one line where the directory does not know the gateway's own key */
export async function createGateway(options: GatewayOptions) {
  const { config, publicUrl, client, bundles, keys, ledgerUrls, log, nowMs = Date.now } = options;
  const { recorder: metrics = SILENT, tracing = UNTRACED } = options;
  const { recorder, reportsDenials } = await ownStanding(options, nowMs());
  const authority = authorityOf(bundles, options.ledger);
  const enforcementPoints = new Set(config.enforcementPoints);
  const { access_request_endpoint: endpoint } = metadataOf(publicUrl);
  const dpop = new DpopVerifier(nowMs);
  const isActive = async (principal: PrincipalId): Promise<boolean> => {
    const { book } = await bundles.current();
    return book.directory.standingOf(principal, nowMs())?.active === true;
  };
  const verifiers = [
    ...(config.registeredKeys
      ? [new RegisteredKeyTokens(publicUrl, async () => (await bundles.current()).book.directory, nowMs)]
      : []),
    ...config.issuers.map((issuer) => new IssuerTokens(issuer)),
  ];
  const binding = new DenialBinding(keys, publicUrl, endpoint, nowMs);
  const approvals = new Approvals({
    ...{ client, keys, publicUrl, bundles, authority, enforcementPoints, nowMs },
    ...(options.ledger && { ledger: options.ledger }),
  });
  const denials = reportsDenials
    ? new DenialReports({ client, key: keys.attestation, reporter: recorder, log, nowMs })
    : undefined;
  const decisions = new DecisionPoint({
    bundles,
    enforcementPoints,
    binding,
    endpoint,
    formsUrl: `${publicUrl}/access/v1`,
    reevaluate: approvals.reevaluate,
    ...(denials && { denied: (attempt) => denials.note(attempt) }),
    nowMs,
  });
  const records = new TaskRecords(client, keys, authority, nowMs);
  const callbacks = new Callbacks(config.callbacks, options.resolve);
  const view = new TaskView({ client, approvals, publicUrl, endpoint, nowMs });
  const owed = callbackStoreOf(options);
  const watch =
    owed &&
    new CallbackWatch({
      store: owed,
      callbacks,
      records,
      describe: async (record) => view.describe(record, await view.look(record, 0)),
      messageId: (taskId) => keys.identifier('msg_', 'callback', taskId),
      log,
      nowMs,
    });
  watch?.start();
  const tasks = new Tasks({
    client,
    keys,
    recorder,
    bundles,
    binding,
    records,
    callbacks,
    view,
    ...(watch && { watch }),
    nowMs,
  });
  const ledgers = new Map([...ledgerUrls].map(([name, url]) => [name, new ExecutionLedger({ url, nowMs })]));
  const reporter = new Reporter(client, keys, recorder, log, nowMs);
  const executions = new ExecutionTokens({
    client,
    keys,
    publicUrl,
    ledgers,
    authority,
    dpop,
    reporter,
    nowMs,
  });
  return {
    config,
    publicUrl,
    keys,
    bundles,
    log,
    metrics,
    tracing,
    nowMs,
    authenticator: new Authenticator(verifiers, dpop, publicUrl, isActive, nowMs),
    limiter: new RateLimiter({
      onRefusal: (limit) => metrics.record('countersign_rate_limited_total', 1, { limit }),
    }),
    decisions,
    evaluate: measuredEvaluation(decisions, metrics),
    searches: new Searches(bundles, decisions),
    tasks,
    executions,
    own: new OwnRequests({ client, bundles, decisions, keys, recorder, nowMs }),
    desk: new ApproversDesk({ client, bundles, authority, log, nowMs }),
    client,
    close: async () => {
      await denials?.stop();
      await watch?.stop();
      await owed?.close();
      await Promise.all([...ledgers.values()].map((ledger) => ledger.close()));
    },
  };
}

/** The identity whose registered key the gateway attests with, and whether its word on denials counts as well. */
async function ownStanding({ bundles, keys }: GatewayOptions, nowMs: number) {
  const { book } = await bundles.current();
  const registered = book.directory.keyById(keys.attestation.keyId, nowMs);
  const standing = registered && book.directory.standingOf(registered.principal, nowMs);
  if (standing === undefined || !hasAnyRole(standing, [RECORDER_ROLE]))
    throw new Error(
      `the gateway's key is not registered to an identity with the role ${RECORDER_ROLE}; put its public part into the directory`,
    );
  return { recorder: standing.id, reportsDenials: hasAnyRole(standing, [ENFORCEMENT_POINT_ROLE]) };
}

/** @throws Error where callbacks are configured and there is no place to keep what is owed */
function callbackStoreOf({ config, callbackStoreUrl }: GatewayOptions): CallbackStore | undefined {
  if (config.callbacks.length === 0) return undefined;
  if (callbackStoreUrl === undefined)
    throw new Error('callbacks are configured, and there is no database to keep what is owed in');
  return new CallbackStore({ url: callbackStoreUrl });
}

/** One directory object for each version of the book, so that imported keys are kept as long as it is current. */
function authorityOf(
  bundles: BundleSource<LoadedBundle>,
  ledger: Ledger | undefined,
): () => Promise<Authority> {
  const directories = new WeakMap<LoadedBundle, SignedDirectory>();
  return async () => {
    const bundle = await bundles.current();
    const directory = directories.get(bundle) ?? new SignedDirectory(bundle.directory);
    directories.set(bundle, directory);
    const policy = ledger === undefined ? bundle.policy : remembering(bundle.policy, ledger);
    return { directory, policy };
  };
}
