import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { History } from '@temporalio/common/lib/proto-utils';
import { temporal } from '@temporalio/proto';
import { bundleWorkflowCode, DefaultLogger, Runtime, type WorkflowBundleOption } from '@temporalio/worker';
import { parseEvidence } from '../src/audit/evidence/file';
import { historyFromPlain } from '../src/audit/evidence/history';
import type { PolicyText } from '../src/audit/evidence/policy';
import type { EvidenceFile } from '../src/audit/evidence/schema';
import { generateNoteKey, readNoteSigner, readNoteVerifier } from '../src/audit/log/note';
import { formatProof } from '../src/audit/log/proof-file';
import { LogReader } from '../src/audit/log/reader';
import { LogWriter } from '../src/audit/log/writer';
import { Replayer } from '../src/audit/replay';
import { verifyEvidence } from '../src/audit/verify/verify';
import { WORKFLOW_BUNDLE_FILE } from '../src/project';
import { toStderr } from '../src/stack/announce';
import { benchOptions } from './options';

/*
 * Measures how fast evidence is verified and histories are replayed, compared with histories of the bare workflow in the same
 * run, alternately. It also measures how proofs of the log grow with its size.
 */

const { json, count } = benchOptions('bench of the audit', {
  seconds: { otherwise: 5, least: 1, most: 600 },
  rounds: { otherwise: 3, least: 1, most: 100 },
  leaves: { otherwise: 1_000_000, least: 10, most: 10_000_000 },
});
const SECONDS = count('seconds');
const ROUNDS = count('rounds');
const LEAVES = count('leaves');
const EVIDENCE = path.resolve(__dirname, '../../test/replay/evidence');
/** The request that is compared with the bare workflow: one approval, one grant. */
const LIFE = 'single-approver';

interface Rates {
  readonly [name: string]: number[];
}

async function main(): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'ERROR' } } });
  const lives = readdirSync(EVIDENCE).map((file) => {
    const text = readFileSync(path.join(EVIDENCE, file), 'utf8');
    const read = parseEvidence(text, file);
    if (!read.ok) throw new Error(read.message);
    return { name: file.replace('.json', ''), text, evidence: read.evidence };
  });
  const life = lives.find(({ name }) => name === LIFE);
  if (life === undefined) throw new Error('there is no kept evidence');
  const rates = await measureRates(life);
  const figures = {
    rounds: ROUNDS,
    evidence_bytes_median: median(lives.map(({ text }) => Buffer.byteLength(text))),
    verify_per_second: median(rates['verify'] ?? []),
    verify_without_replay_per_second: median(rates['verify without replay'] ?? []),
    replay_per_second: median(rates['replay'] ?? []),
    bare_replay_per_second: median(rates['bare replay'] ?? []),
    ratio_replay: median(rates['replay'] ?? []) / median(rates['bare replay'] ?? []),
    ratio_verify: median(rates['verify'] ?? []) / median(rates['bare replay'] ?? []),
    log: measureLog(),
  };
  if (json) process.stdout.write(`${JSON.stringify(figures)}\n`);
  else print(figures);
}

async function measureRates(life: {
  readonly evidence: EvidenceFile;
  readonly text: string;
}): Promise<Rates> {
  const bareBundle = await bundleWorkflowCode({
    workflowsPath: path.join(__dirname, 'floors/bare-workflow.js'),
  });
  const ours: WorkflowBundleOption = { code: readFileSync(WORKFLOW_BUNDLE_FILE, 'utf8') };
  const [replayer, bareReplayer] = [new Replayer(ours), new Replayer(bareBundle)];
  const readPolicies = new Map<string, PolicyText>();
  const [run] = life.evidence.runs;
  const history = run && historyFromPlain(run.history);
  if (history === undefined) throw new Error('there is no history');
  const workflowId = `access-request/${life.evidence.request}`;
  const bare = bareHistory();
  const work: Readonly<Record<string, () => Promise<{ readonly ok: boolean }>>> = {
    'bare replay': () => bareReplayer.replay(bare, 'bare/1'),
    replay: () => replayer.replay(history, workflowId),
    verify: () => verifyEvidence(life.evidence, { text: life.text, replayer, readPolicies }),
    'verify without replay': () => verifyEvidence(life.evidence, { text: life.text, readPolicies }),
  };
  const rates: Record<string, number[]> = Object.fromEntries(Object.keys(work).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round += 1)
    for (const [name, once] of Object.entries(work)) {
      toStderr(round === 0 ? `warming up: ${name}` : `round ${round} of ${ROUNDS}: ${name}`);
      const perSecond = await rateOf(once, round === 0 ? 1 : SECONDS);
      if (round > 0) rates[name]?.push(perSecond);
    }
  await replayer.close();
  await bareReplayer.close();
  return rates;
}

async function rateOf(once: () => Promise<{ readonly ok: boolean }>, seconds: number): Promise<number> {
  const from = performance.now();
  let count = 0;
  while (performance.now() - from < seconds * 1_000) {
    const result = await once();
    if (!result.ok) throw new Error(`the evidence does not verify: ${JSON.stringify(result).slice(0, 500)}`);
    count += 1;
  }
  return (count * 1_000) / (performance.now() - from);
}

/** A history of the bare workflow as the server writes it: started, signalled, timer cancelled, one activity, completed. */
function bareHistory(): History {
  const seconds = 1_700_000_000;
  const task = (scheduled: number) => [
    {
      eventType: 'WORKFLOW_TASK_SCHEDULED',
      workflowTaskScheduledEventAttributes: { taskQueue: { name: 'bench' } },
    },
    {
      eventType: 'WORKFLOW_TASK_STARTED',
      workflowTaskStartedEventAttributes: { scheduledEventId: scheduled },
    },
    {
      eventType: 'WORKFLOW_TASK_COMPLETED',
      workflowTaskCompletedEventAttributes: {
        scheduledEventId: scheduled,
        startedEventId: scheduled + 1,
        sdkMetadata: { coreUsedFlags: [1, 2, 3], sdkName: 'temporal-typescript', sdkVersion: '1.24.0' },
      },
    },
  ];
  const payloads = [{ metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"1"') }];
  const events = [
    {
      eventType: 'WORKFLOW_EXECUTION_STARTED',
      workflowExecutionStartedEventAttributes: {
        workflowType: { name: 'bare' },
        taskQueue: { name: 'bench' },
        input: { payloads },
        originalExecutionRunId: 'b7c1a5a2-0000-4000-8000-000000000001',
        firstExecutionRunId: 'b7c1a5a2-0000-4000-8000-000000000001',
        workflowId: 'bare/1',
        attempt: 1,
        workflowTaskTimeout: { seconds: 10 },
      },
    },
    ...task(2),
    {
      eventType: 'TIMER_STARTED',
      timerStartedEventAttributes: {
        timerId: '1',
        startToFireTimeout: { seconds: 3_600 },
        workflowTaskCompletedEventId: 4,
      },
    },
    {
      eventType: 'WORKFLOW_EXECUTION_SIGNALED',
      workflowExecutionSignaledEventAttributes: { signalName: 'go' },
    },
    ...task(7),
    {
      eventType: 'TIMER_CANCELED',
      timerCanceledEventAttributes: { timerId: '1', startedEventId: 5, workflowTaskCompletedEventId: 9 },
    },
    {
      eventType: 'ACTIVITY_TASK_SCHEDULED',
      activityTaskScheduledEventAttributes: {
        activityId: '1',
        activityType: { name: 'act' },
        taskQueue: { name: 'bench' },
        input: { payloads },
        workflowTaskCompletedEventId: 9,
      },
    },
    { eventType: 'ACTIVITY_TASK_STARTED', activityTaskStartedEventAttributes: { scheduledEventId: 11 } },
    {
      eventType: 'ACTIVITY_TASK_COMPLETED',
      activityTaskCompletedEventAttributes: { scheduledEventId: 11, startedEventId: 12 },
    },
    ...task(14),
    {
      eventType: 'WORKFLOW_EXECUTION_COMPLETED',
      workflowExecutionCompletedEventAttributes: { workflowTaskCompletedEventId: 16 },
    },
  ];
  return temporal.api.history.v1.History.fromObject({
    events: events.map((event, index) => ({
      ...event,
      eventType: `EVENT_TYPE_${event.eventType}`,
      eventId: index + 1,
      eventTime: { seconds: seconds + index },
    })),
  });
}

interface LogFigures {
  readonly leaves: number;
  readonly append_per_second: number;
  readonly prove_ms: number;
  readonly proof_hashes: number;
  readonly proof_bytes: number;
  readonly consistency_hashes: number;
}

/** Lets one log grow, and measures at each size what a proof costs. */
function measureLog(): readonly LogFigures[] {
  const { signerKey, verifierKey } = generateNoteKey('bench.example/log');
  const [signer, verifier] = [readNoteSigner(signerKey), readNoteVerifier(verifierKey)];
  if (signer === undefined || verifier === undefined) throw new Error('no key');
  const dir = mkdtempSync(path.join(tmpdir(), 'countersign-bench-log-'));
  const figures: LogFigures[] = [];
  try {
    for (let leaves = 10; leaves <= LEAVES; leaves *= 10) {
      toStderr(`a log of ${leaves} leaves`);
      const writer = LogWriter.open(dir, signer);
      const { size } = writer;
      const from = performance.now();
      for (let at = size; at < leaves; at += 1_000)
        writer.append(
          Array.from({ length: Math.min(1_000, leaves - at) }, (_, index) =>
            Buffer.from(
              `{"evidence":"sha-256:${'x'.repeat(43)}","request":"request-${at + index}","status":"closed"}`,
            ),
          ),
        );
      const appended = ((leaves - size) * 1_000) / (performance.now() - from);
      const opened = LogReader.open(dir, verifier);
      if (!opened.ok) throw new Error(opened.message);
      const indices = Array.from({ length: 200 }, (_, index) => Math.floor((index * leaves) / 200));
      const proving = performance.now();
      const proofs = indices.map((index) => opened.log.prove(index));
      const proveMs = (performance.now() - proving) / proofs.length;
      figures.push({
        leaves,
        append_per_second: appended,
        prove_ms: proveMs,
        proof_hashes: Math.max(...proofs.map(({ hashes }) => hashes.length)),
        proof_bytes: Math.max(...proofs.map((proof) => formatProof(proof).length)),
        consistency_hashes: opened.log.proveConsistency(Math.ceil(leaves / 3)).length,
      });
    }
    return figures;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const median = (list: readonly number[]): number =>
  [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;

function print(figures: Readonly<Record<string, unknown>> & { readonly log: readonly LogFigures[] }): void {
  for (const [name, value] of Object.entries(figures))
    if (typeof value === 'number')
      process.stdout.write(`${name.padEnd(36)} ${Number(value.toPrecision(4))}\n`);
  process.stdout.write('\nleaves     appended/s  prove ms  path  proof bytes  consistency\n');
  for (const row of figures.log)
    process.stdout.write(
      `${String(row.leaves).padEnd(10)} ${row.append_per_second.toFixed(0).padEnd(11)} ${row.prove_ms.toFixed(3).padEnd(9)} ${String(row.proof_hashes).padEnd(5)} ${String(row.proof_bytes).padEnd(12)} ${row.consistency_hashes}\n`,
    );
}

void main().catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
