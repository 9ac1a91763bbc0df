import type { CountersignClient } from '../client';
import type { Logger } from '../contracts/logger';
import { Enrolment } from '../directory/register/enrolment';
import type { Register } from '../directory/register/register';
import type { PushedStore } from '../directory/sources/pushed/store';
import type { Digest } from '../domain/digest';
import type { Ledger } from '../domain/precedents';
import type { SignedEnvelope } from '../domain/request';
import type { Resolve } from '../outbound/post';
import { authorityOver, type BundleSource, type LoadedBundle } from '../policy';
import { PushSubscriptions } from '../push/subscriptions';
import { DpopVerifier, proofMemory } from '../signing/dpop';
import { rowSignatures } from '../signing/enrolment';
import { refuseCountedBack } from '../signing/signature-count';
import { type MetricsSink, NO_METRICS } from '../telemetry/catalogue';
import { type Tracing, UNTRACED } from '../telemetry/tracing';
import { VerifiedRequests } from '../verified/verified-requests';
import { ApproverRequests } from './approver/approver-requests';
import type { GrantsOf } from './approver/gone-requests';
import { UsedOnce } from './auth/used-once';
import type { GatewayConfig } from './config';
import { githubParts } from './github';
import { gitlabParts } from './gitlab';
import { warningsAbout } from './issuers-config';
import type { GatewayKeys } from './keys';
import { mattermostParts } from './mattermost';
import { callerParts, decisionParts, executionParts, ownStanding, taskParts } from './parts';
import { Approvals } from './requests/approvals';
import { OwnRequests } from './requests/own';
import { ScimService } from './scim/service';
import { slackParts } from './slack';
import { SshCertificates, type SshConnector } from './ssh/certificates';
import { ToolChanges } from './tool-changes';

export interface GatewayOptions {
  readonly config: GatewayConfig;
  readonly publicUrl: string;
  readonly client: CountersignClient;
  readonly bundles: BundleSource<LoadedBundle>;
  readonly keys: GatewayKeys;
  /** Database addresses of the token-use stores, by connector name. */
  readonly tokenUsesUrls: ReadonlyMap<string, string>;
  /** The SSH certificate authorities of connectors, by connector name. None if absent. */
  readonly sshConnectors?: ReadonlyMap<string, SshConnector>;
  /** Past requests and grants. Proofs need it, plain decisions do not. Without it, the gateway makes no approvals for access. */
  readonly ledger?: Ledger;
  /** What the ledger has under the id of a request, for requests whose workflow is gone. */
  readonly grantsOf?: GrantsOf;
  /** Database that keeps the callbacks still owed, and what GitHub and GitLab have asked. Required if one of them is configured. */
  readonly callbackStoreUrl?: string;
  /** Database in which gateways tell each other which sessions were ended and what was used once, and keep who wants to be pushed. Without it,
   * each knows its own, and nobody is pushed. */
  readonly sessionStoreUrl?: string;
  /** Where browsers open the pages of this gateway, if it serves some. Invitations to other pages are refused. */
  readonly pageOrigin?: string | undefined;
  /** The register of enrolled passkeys. Without it, none can be enrolled here; `bundles` says which count. */
  readonly register?: Register;
  /** What identity providers push. Without it, none can push here. */
  readonly pushed?: PushedStore;
  readonly log: Logger;
  /** Receives metrics. Without it, nothing is measured. */
  readonly metrics?: MetricsSink;
  /** Receives spans. Without it, nothing is traced. */
  readonly tracing?: Tracing;
  readonly nowMs?: () => number;
  readonly resolve?: Resolve;
}

/** A running gateway without its HTTP surface. It decides evaluations itself; requests it only carries and attests. */
export type Gateway = Awaited<ReturnType<typeof createGateway>>;

/**
 * Puts a gateway together from its parts.
 *
 * @throws Error (one line) if the directory does not know the gateway's own key, or a setting is unusable
 */
export async function createGateway(options: GatewayOptions) {
  const { config, publicUrl, client, bundles, keys, log, ledger } = options;
  const { nowMs = Date.now, metrics = NO_METRICS, tracing = UNTRACED } = options;
  for (const warning of warningsAbout(config.issuers))
    log.warn({ warning }, 'the gateway recognises somebody by names alone');
  const own = await ownStanding(bundles, keys, nowMs());
  const usedOnce = new UsedOnce({ url: options.sessionStoreUrl, log, nowMs });
  const common = {
    usedOnce,
    ...{ config, publicUrl, client, bundles, keys, log, nowMs, own },
    authority: authorityOver(bundles, ledger),
    dpop: new DpopVerifier(nowMs, usedOnce.ofKind('dpop proof', proofMemory(nowMs))),
    enforcementPoints: new Set(config.enforcementPoints),
  };
  const { authority } = common;
  const approvals = new Approvals({ ...common, ledger });
  const { decisions, binding, mapping, searches, denials } = decisionParts(common, approvals);
  const { executions, closeStores } = executionParts(common, options.tokenUsesUrls);
  const ssh = new SshCertificates({
    client,
    authority,
    log,
    nowMs,
    connectors: options.sshConnectors ?? new Map(),
  });
  const grantOf = ledger && ((digest: Digest) => ledger.grantOf(digest));
  const reader = async () => ({ ...(await authority()), ...(grantOf && { grantOf }) });
  const verified = new VerifiedRequests({ requests: client, reader, nowMs });
  const callers = callerParts(common, metrics, options.sessionStoreUrl);
  const subscriptions =
    options.sessionStoreUrl === undefined || config.push === undefined
      ? undefined
      : new PushSubscriptions({ url: options.sessionStoreUrl, log });
  const { tasks, stopCallbacks } = taskParts(common, approvals, { verified, binding, mapping }, options);
  const ownRequests = new OwnRequests({ client, bundles, decisions, keys, recorder: own.recorder, nowMs });
  const needed = { verified, ownRequests, storeUrl: options.callbackStoreUrl };
  const github = githubParts(common, needed);
  const gitlab = gitlabParts(common, needed);
  const approverRequests = new ApproverRequests({
    ...{ client, verified, bundles, authority, log, nowMs },
    grantsOf: options.grantsOf,
  });
  const slack = await slackParts(common, approverRequests);
  const mattermost = await mattermostParts(common, approverRequests);
  const file = async () => (await bundles.current()).file;
  const { register, pageOrigin } = options;
  const refuseCopy = ledger && ((signed: SignedEnvelope) => refuseCountedBack(signed, ledger, nowMs()));
  return {
    enrolment:
      register && new Enrolment({ register, file, pageOrigin, holds: rowSignatures(), refuseCopy, nowMs }),
    ...{ verified, config, publicUrl, client, bundles, keys, log, metrics, tracing, nowMs },
    ...callers,
    usedOnce,
    /** Where the counters of passkeys are on record. */
    counters: ledger,
    subscriptions,
    toolChanges: new ToolChanges(log, nowMs),
    ...{ decisions, searches, tasks, executions, ssh },
    ...{ ownRequests, github, gitlab, slack, mattermost, approverRequests },
    scim: options.pushed && new ScimService({ ...common, store: options.pushed }),
    close: async () => {
      await callers.ended.close();
      await usedOnce.close();
      await subscriptions?.close();
      await denials?.stop();
      await stopCallbacks();
      await github?.close();
      await gitlab?.close();
      await closeStores();
      await ssh.close();
    },
  };
}
