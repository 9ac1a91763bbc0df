import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils';
import { Replayer } from '../../src/audit/replay';
import { requestIdOf, workflowIdOf } from '../../src/contracts/names';
import { UNGRANTED_ENDS } from '../../src/domain/status';
import type { Complaint } from './check';
import type { Ground } from './ground';
import type { LifeRecord } from './live';
import { expectationOf } from './oracle';

const PAUSE_MS = 500;
/** Statuses in which a request may wait: for people, or for an owed review. */
const WAITING: readonly string[] = ['awaiting_approval', 'expired', 'revoked'];

/**
 * Waits until every workflow that can end has ended. Returns the lost requests: those that are missing, that
 * failed, that hang, or that should have been granted access and were not.
 */
export async function findLost(
  ground: Ground,
  lives: readonly LifeRecord[],
  granted: () => Promise<ReadonlySet<string>>,
  withinMs: number,
): Promise<readonly Complaint[]> {
  const started = lives.filter((life) => life.isStarted);
  const untilMs = Date.now() + withinMs;
  for (;;) {
    const given = await granted();
    const lost: Complaint[] = [];
    for (const life of started) {
      const complaint = await complaintAbout(ground, life, given);
      if (complaint !== undefined) lost.push(complaint);
    }
    if (lost.length === 0 || Date.now() > untilMs) return lost;
    await sleep(PAUSE_MS);
  }
}

const OVER: readonly string[] = ['closed', ...UNGRANTED_ENDS];

/** Requests that are settled are not queried again. */
const settled = new WeakSet<LifeRecord>();

async function complaintAbout(
  ground: Ground,
  life: LifeRecord,
  granted: ReadonlySet<string>,
): Promise<Complaint | undefined> {
  if (settled.has(life)) return undefined;
  const { index, kind, course } = life.plan;
  const about = `life ${index} (${kind}, ${course}, ${life.request.id})`;
  const { grant, isMeddledWith } = expectationOf(life);
  if (grant === 'must' && !granted.has(life.request.id)) return `${about} was never granted its access`;
  const status = await statusOf(ground, life.request.id);
  const isSettled = { COMPLETED: OVER, RUNNING: WAITING }[status];
  const isOver = isSettled?.includes(await recordedStatus(ground, life)) ?? false;
  if (!isOver && !(isMeddledWith && status !== 'RUNNING')) return `${about} is ${status.toLowerCase()}`;
  settled.add(life);
  return undefined;
}

async function statusOf({ temporal }: Ground, requestId: string): Promise<string> {
  try {
    return (await temporal.workflow.getHandle(workflowIdOf(requestId)).describe()).status.name;
  } catch {
    return 'MISSING';
  }
}

/** Returns the status that the request reports; its workflow may have ended without one. */
async function recordedStatus({ client }: Ground, { request }: LifeRecord): Promise<string> {
  const view = await client.get(request.id).catch(() => undefined);
  return view?.status ?? 'unknown';
}

export interface Run {
  readonly workflowId: string;
  readonly history: History;
}

/** Every run of every request, earlier ones too. */
export async function* everyRun(temporal: Client, of?: ReadonlySet<string>): AsyncGenerator<Run> {
  for await (const { workflowId, runId } of temporal.workflow.list({
    query: "WorkflowType = 'accessRequest'",
  })) {
    const requestId = requestIdOf(workflowId);
    if (requestId === undefined || of?.has(requestId) === false) continue;
    const history = await temporal.workflow
      .getHandle(workflowId, runId)
      .fetchHistory()
      .catch(() => undefined);
    if (history !== undefined) yield { workflowId, history };
  }
}

export interface Replayed {
  readonly replayed: number;
  readonly complaints: readonly Complaint[];
}

/** Replays histories on a version of the code. Returns those that do not replay. */
export async function findUnreplayable(runs: AsyncIterable<Run>, code: string): Promise<Replayed> {
  const replayer = new Replayer({ code });
  const complaints: Complaint[] = [];
  let replayed = 0;
  try {
    for await (const { workflowId, history } of runs) {
      const result = await replayer.replay(history, workflowId);
      replayed += 1;
      if (!result.ok) complaints.push(`${workflowId} does not replay: ${briefly(result.message)}`);
    }
  } finally {
    await replayer.close();
  }
  return { replayed, complaints };
}

/** Returns the difference only; the SDK wraps it into a long message. */
const briefly = (message: string): string =>
  /\[TMPRL1100\] ([^"]*)"/.exec(message)?.[1] ?? message.split('\n')[0] ?? '';
