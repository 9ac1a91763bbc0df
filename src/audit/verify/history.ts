import type { History } from '@temporalio/common/lib/proto-utils';
import { z } from 'zod';
import { WORKFLOW_TYPE, workflowIdOf } from '../../contracts/names';
import type { JournalStep } from '../../workflows/journal';
import { payloadConverter } from '../../workflows/payload-converter';
import { executionOf, type RunHistory, runBefore } from '../evidence/export';
import { historyFromPlain, historyToPlain } from '../evidence/history';
import { firstDifference } from '../evidence/recheck';
import type { EvidenceFile } from '../evidence/schema';
import type { HistoryReplay } from '../replay';
import { type Finding, finding } from './finding';
import { misplacedEvent } from './history-shape';

export type ReadRuns =
  | { readonly ok: true; readonly runs: readonly RunHistory[] }
  | { readonly ok: false; readonly finding: Finding };

/** The histories of evidence, in the server's own form. */
export function readRuns({ runs }: EvidenceFile): ReadRuns {
  const read: RunHistory[] = [];
  for (const [index, { runId, history }] of runs.entries())
    try {
      const parsed = historyFromPlain(history);
      // What a history does not hold when it is read would be in the file and mean nothing.
      const lost = firstDifference(history, historyToPlain(parsed));
      const where = `runs[${index}].history.${lost}`;
      if (lost !== undefined) return { ok: false, finding: finding('history', where, 'no history has this') };
      read.push({ runId, history: parsed });
    } catch {
      return { ok: false, finding: finding('history', `runs[${index}].history`, 'this is no history') };
    }
  return { ok: true, runs: read };
}

/** Whether the histories belong to this request, follow each other, and lead to the steps that are recorded. */
export async function* checkHistory(
  evidence: EvidenceFile,
  runs: readonly RunHistory[],
  replayer: HistoryReplay,
): AsyncGenerator<Finding> {
  let sound = true;
  for (const one of [...checkRuns(evidence, runs), ...checkShapes(evidence)]) {
    sound = false;
    yield one;
  }
  // What replays histories is made for those of a server, and must not be fed with anything else.
  if (!sound) return;
  const steps: JournalStep[] = [];
  for (const [index, { history }] of runs.entries()) {
    const replayed = await replayer.replay(history, workflowIdOf(evidence.request));
    if (!replayed.ok) {
      yield finding('history', `runs[${index}].history`, `it does not replay: ${oneLine(replayed.message)}`);
      return;
    }
    steps.push(...replayed.steps);
  }
  if (steps.length !== evidence.steps.length)
    yield finding(
      'history',
      'steps',
      `the history has ${steps.length} steps, here are ${evidence.steps.length}`,
    );
  for (const [index, recorded] of evidence.steps.entries()) {
    const plain = { ...recorded, events: recorded.events.map(({ event }) => event) };
    const found = firstDifference(plain, steps[index] ?? {});
    if (found === undefined) continue;
    yield finding('history', `steps[${index}].${found}`, 'the history tells it otherwise');
    return;
  }
}

/** Whether the events of each run follow each other as a server writes them. */
function* checkShapes({ runs }: EvidenceFile): Generator<Finding> {
  for (const [run, { history }] of runs.entries()) {
    const misplaced = misplacedEvent(history.events);
    if (misplaced === undefined) continue;
    yield finding('history', `runs[${run}].history.events[${misplaced.index}]`, misplaced.message);
    return;
  }
}

function* checkRuns(evidence: EvidenceFile, runs: readonly RunHistory[]): Generator<Finding> {
  const execution = executionOf(runs);
  if (execution !== evidence.execution)
    yield finding('history', 'execution', `by the history it is ${execution}`);
  const result = resultOf(runs.at(-1)?.history);
  if (result !== undefined && result !== evidence.status)
    yield finding('history', 'status', `the workflow ended with ${result}`);
  for (const [index, { runId, history }] of runs.entries()) {
    const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
    const where = `runs[${index}]`;
    if (
      started?.workflowType?.name !== WORKFLOW_TYPE ||
      started.workflowId !== workflowIdOf(evidence.request)
    )
      yield finding('history', `${where}.history`, 'it is the history of something else');
    if (runIdOf(history) !== runId)
      yield finding('history', `${where}.runId`, 'it is not the run of this history');
    if (runBefore(history) !== runs[index - 1]?.runId)
      yield finding('history', where, 'it does not follow the run before it');
  }
}

/** The status with which a workflow says that it ended, where it did. */
function resultOf(history: History | undefined): string | undefined {
  const completed = history?.events?.at(-1)?.workflowExecutionCompletedEventAttributes;
  if (completed == null) return undefined;
  const [payload] = completed.result?.payloads ?? [];
  const read = z
    .looseObject({ status: z.string() })
    .safeParse(payload && payloadConverter.fromPayload(payload));
  return read.success ? read.data.status : 'nothing that can be read';
}

/** The run that a history is of: the one that started, or the one that a reset made of it. */
export function runIdOf(history: History): string | undefined {
  const reset = history.events?.findLast((event) => event.workflowTaskFailedEventAttributes?.newRunId);
  const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
  return reset?.workflowTaskFailedEventAttributes?.newRunId ?? started?.originalExecutionRunId ?? undefined;
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').slice(0, 300);
