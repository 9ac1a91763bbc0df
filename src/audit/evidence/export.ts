import type { History } from '@temporalio/common/lib/proto-utils';
import { z } from 'zod';
import { workflowIdOf } from '../../contracts/names';
import type { Digest } from '../../domain/digest';
import type { DomainEvent } from '../../domain/event';
import { fold } from '../../domain/evolve';
import { VERSIONS } from '../../project';
import type { JournalStep } from '../../workflows/journal';
import { payloadConverter } from '../../workflows/payload-converter';
import type { HistoryReplay } from '../replay';
import { chainHash, chainStart, sealOf } from './chain';
import { type AskedDirectory, askedDirectoryOf } from './excerpt';
import { type FoundSource, foundAbout } from './found';
import { historyToPlain } from './history';
import { type PolicyFile, type PolicyText, readPolicy } from './policy';
import { Rechecker } from './recheck';
import {
  EVIDENCE_FORMAT,
  EVIDENCE_VERSION,
  type EvidenceFile,
  type Execution,
  evidenceFileSchema,
} from './schema';
import { recheckSteps } from './steps';

/** One run of a request's workflow, as the server has it. */
export interface RunHistory {
  readonly runId: string;
  readonly history: History;
}

/** Where versions of policy and directory are found again. */
export interface BookSource {
  policy(digest: Digest): Promise<readonly PolicyFile[] | undefined>;
  /** The text of `directory.yaml`. */
  directory(digest: Digest): Promise<string | undefined>;
  digests(): Promise<{ readonly policies: readonly Digest[]; readonly directories: readonly Digest[] }>;
}

export type MadeEvidence =
  | { readonly ok: true; readonly evidence: EvidenceFile; readonly missing: readonly string[] }
  | { readonly ok: false; readonly message: string };

/**
 * Makes the evidence of a request from its histories: they are replayed on today's code, which tells each step, and
 * each step is checked again by the kept versions of policy and directory, which tells what of them was used. What could
 * not be checked for want of a version is in `missing`; the evidence is made all the same, for it is what there is.
 */
export async function makeEvidence(
  request: string,
  runs: readonly RunHistory[],
  books: BookSource,
  replayer: HistoryReplay,
  targets?: FoundSource,
): Promise<MadeEvidence> {
  const steps: JournalStep[] = [];
  for (const { history } of runs) {
    const replayed = await replayer.replay(history, workflowIdOf(request));
    if (!replayed.ok) return { ok: false, message: `the history does not replay: ${replayed.message}` };
    steps.push(...replayed.steps);
  }
  if (steps.length === 0) return { ok: false, message: 'nothing has happened yet; no worker has read it' };
  const { policies, directories, missing } = await usedOf(request, runs, steps, books);
  const chained = chain(request, steps);
  const state = fold(steps.flatMap(({ events }) => events));
  const target = state?.submission?.request.entitlement.connector;
  const { findings, missing: unasked } = await foundAbout(target, request, targets);
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

/** Checks every step by whole books, which remember what they were asked. */
async function usedOf(
  request: string,
  runs: readonly RunHistory[],
  steps: readonly JournalStep[],
  source: BookSource,
): Promise<Used> {
  const named = digestsIn(steps);
  const first = await usedBy(request, runs, steps, source, named);
  if (first.missing.length === 0) return first;
  // A version that nothing names can have refused a statement, or judged a reroute. The latest are looked through.
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
  source: BookSource,
  digests: Awaited<ReturnType<BookSource['digests']>>,
): Promise<Used> {
  const directories: AskedDirectory[] = [];
  for (const digest of digests.directories) {
    const text = await source.directory(digest);
    const directory = text === undefined ? undefined : askedDirectoryOf(text);
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
  for await (const { index, found } of recheckSteps(rechecker, request, submittedIn(runs), steps))
    if (found.same) used.add(found.policy).add(found.directory);
    else missing.push(`step ${index}: ${found.message}`);
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

/** Versions that the steps themselves name. */
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

/** What was submitted, as the first event of the first run has it. */
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

/** How the last run ended, by its last event. */
export function executionOf(runs: readonly RunHistory[]): Execution {
  const last = runs.at(-1)?.history.events?.at(-1) ?? {};
  const end = Object.entries(ENDS).find(([name]) => name in last && last[name as keyof typeof last] != null);
  return end?.[1] ?? 'running';
}

/** The run that came before, by the first event of a run; none for the first. */
export function runBefore(history: History): string | undefined {
  const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
  return started?.continuedExecutionRunId || undefined;
}

/** The request that a history is about, or nothing where it is not one of ours. */
export const historyWorkflowId = (history: History): string | undefined =>
  z.string().safeParse(history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowId).data;
