import type { History } from '@temporalio/common/lib/proto-utils';
import { workflowIdOf } from '../../contracts/names';
import type { Digest } from '../../domain/digest';
import type { DomainEvent } from '../../domain/event';
import { fold } from '../../domain/evolve';
import { requestOf } from '../../domain/state';
import { VERSIONS } from '../../project';
import type { JournalStep } from '../../workflows/journal';
import { payloadConverter } from '../../workflows/payload-converter';
import type { HistoryReplay } from '../replay';
import { chainHash, chainStart, sealOf } from './chain';
import { type AskedDirectory, askedDirectoryOf } from './excerpt';
import { historyToPlain } from './history';
import { type PolicyFile, type PolicyText, readPolicy } from './policy';
import { Rechecker, recheckSteps } from './recheck';
import { type FindingSource, findingsAbout } from './recorded-findings';
import {
  EVIDENCE_FORMAT,
  EVIDENCE_VERSION,
  type EvidenceFile,
  type Execution,
  evidenceFileSchema,
} from './schema';

/** One run of a request's workflow, as the server has it. */
export interface RunHistory {
  readonly runId: string;
  readonly history: History;
}

/** Reads versions of policy and directory by their digests. Evidence rests on them, so they are kept as long as evidence. */
export interface VersionSource {
  policy(digest: Digest): Promise<readonly PolicyFile[] | undefined>;
  /** The text of that version of the directory (`readVersion`). */
  directory(digest: Digest): Promise<string | undefined>;
  digests(): Promise<{ readonly policies: readonly Digest[]; readonly directories: readonly Digest[] }>;
}

export type MadeEvidence =
  | { readonly ok: true; readonly evidence: EvidenceFile; readonly missing: readonly string[] }
  | { readonly ok: false; readonly message: string };

/**
 * Makes the evidence of a request from its histories. Replaying them on today's code gives the steps. Checking each step
 * again by the kept versions of policy and directory shows which parts of them were used. Steps that could not be checked
 * because a version is missing are in `missing`; the evidence is made anyway.
 */
export async function makeEvidence(
  request: string,
  runs: readonly RunHistory[],
  versions: VersionSource,
  replayer: HistoryReplay,
  targets?: FindingSource,
): Promise<MadeEvidence> {
  const steps: JournalStep[] = [];
  for (const { history } of runs) {
    const replayed = await replayer.replay(history, workflowIdOf(request));
    if (!replayed.ok) return { ok: false, message: `the history does not replay: ${replayed.message}` };
    steps.push(...replayed.steps);
  }
  if (steps.length === 0)
    return {
      ok: false,
      message: 'the request has no events yet, because no worker has read it; try again later',
    };
  const { policies, directories, missing } = await usedOf(request, runs, steps, versions);
  const chained = chain(request, steps);
  const state = fold(steps.flatMap(({ events }) => events));
  const target = (state && requestOf(state))?.entitlement.connector;
  const { findings, missing: unasked } = await findingsAbout(target, request, targets);
  const unsealed = {
    format: EVIDENCE_FORMAT,
    version: EVIDENCE_VERSION,
    request,
    status: state?.status ?? 'submitted',
    execution: executionOf(runs),
    software: VERSIONS,
    policies,
    directories,
    steps: chained,
    ...(findings.length > 0 && { findings }),
    head: chained.at(-1)?.events.at(-1)?.hash ?? chainStart(request),
    runs: runs.map(({ runId, history }) => ({ runId, history: historyToPlain(history) })),
  };
  const evidence = evidenceFileSchema.safeParse({ ...unsealed, seal: sealOf(unsealed) });
  if (evidence.success) return { ok: true, evidence: evidence.data, missing: [...missing, ...unasked] };
  const [issue] = evidence.error.issues;
  return { ok: false, message: `${issue?.path.map(String).join('.')}: ${issue?.message}` };
}

function chain(request: string, steps: readonly JournalStep[]) {
  let previous = chainStart(request);
  const link = (event: DomainEvent) => {
    previous = chainHash(previous, event);
    return { event, hash: previous };
  };
  return steps.map(({ command, received, events }) => ({
    command,
    ...(received && { received }),
    events: events.map(link),
  }));
}

/** Checks every step by whole versions, which record their lookups. */
async function usedOf(
  request: string,
  runs: readonly RunHistory[],
  steps: readonly JournalStep[],
  source: VersionSource,
): Promise<Used> {
  const named = digestsIn(steps);
  const first = await usedBy(request, runs, steps, source, named);
  if (first.missing.length === 0) return first;
  // A refused statement or a reroute does not name its version, so also try the latest ones.
  const known = await source.digests();
  const also = (own: readonly Digest[], all: readonly Digest[]) => [
    ...new Set([...own, ...all.slice(-MOST_VERSIONS)]),
  ];
  return usedBy(request, runs, steps, source, {
    policies: also(named.policies, known.policies),
    directories: also(named.directories, known.directories),
  });
}

interface Used {
  readonly policies: EvidenceFile['policies'];
  readonly directories: EvidenceFile['directories'];
  readonly missing: readonly string[];
}

const MOST_VERSIONS = 16;

async function usedBy(
  request: string,
  runs: readonly RunHistory[],
  steps: readonly JournalStep[],
  source: VersionSource,
  digests: Awaited<ReturnType<VersionSource['digests']>>,
): Promise<Used> {
  const directories: AskedDirectory[] = [];
  for (const digest of digests.directories) {
    const text = await source.directory(digest);
    const directory = text === undefined ? undefined : await askedDirectoryOf(text);
    if (directory !== undefined) directories.push(directory);
  }
  const policies: { readonly policy: PolicyText; readonly files: readonly PolicyFile[] }[] = [];
  for (const digest of digests.policies) {
    const files = await source.policy(digest);
    const read = files && readPolicy(files);
    if (files !== undefined && read?.ok) policies.push({ policy: read.policy, files });
  }
  const rechecker = new Rechecker({ policies: policies.map(({ policy }) => policy), directories });
  const used = new Set<unknown>();
  const missing: string[] = [];
  for await (const { index, recheck } of recheckSteps(rechecker, request, submittedIn(runs), steps))
    if (recheck.same) used.add(recheck.policy).add(recheck.directory);
    else missing.push(`step ${index}: ${recheck.message}`);
  return {
    policies: policies
      .filter(({ policy }) => used.has(policy))
      .map(({ policy, files }) => ({ digest: policy.digest, files: [...files] })),
    directories: directories
      .filter((directory) => used.has(directory))
      .map((directory) => ({ digest: directory.digest, excerpt: directory.excerpt() })),
    missing,
  };
}

/** Returns the digests that the steps themselves name. */
function digestsIn(steps: readonly JournalStep[]) {
  const policies = new Set<Digest>();
  const directories = new Set<Digest>();
  for (const { command } of steps) {
    if (command.type === 'record_assessment') {
      policies.add(command.assessment.policyDigest);
      directories.add(command.assessment.directoryDigest);
    }
    if (command.type === 'consider' && command.check.verified)
      directories.add(command.check.facts.directoryDigest);
  }
  return { policies: [...policies], directories: [...directories] };
}

/** Returns the submission, from the first event of the first run. */
export function submittedIn(runs: readonly RunHistory[]): unknown {
  const started = runs[0]?.history.events?.[0]?.workflowExecutionStartedEventAttributes;
  const [payload] = started?.input?.payloads ?? [];
  return payload && payloadConverter.fromPayload(payload);
}

const ENDS: Readonly<Record<string, Execution>> = {
  workflowExecutionCompletedEventAttributes: 'completed',
  workflowExecutionFailedEventAttributes: 'failed',
  workflowExecutionCanceledEventAttributes: 'canceled',
  workflowExecutionTerminatedEventAttributes: 'terminated',
  workflowExecutionTimedOutEventAttributes: 'timed_out',
};

/** Returns how the last run ended, by its last event. */
export function executionOf(runs: readonly RunHistory[]): Execution {
  const last = runs.at(-1)?.history.events?.at(-1) ?? {};
  const end = Object.entries(ENDS).find(([name]) => name in last && last[name as keyof typeof last] != null);
  return end?.[1] ?? 'running';
}

/** Returns the run before this one, from its first event; undefined for the first run. */
export function runBefore(history: History): string | undefined {
  const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
  return started?.continuedExecutionRunId || undefined;
}
