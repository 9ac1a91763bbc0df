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

/** Converts the histories of evidence to the server's own form. */
export function readRuns({ runs }: EvidenceFile): ReadRuns {
  const read: RunHistory[] = [];
  for (const [index, { runId, history }] of runs.entries())
    try {
      const parsed = historyFromPlain(history);
      // A member that the conversion loses would be in the file without any meaning, so refuse it.
      const lost = firstDifference(history, historyToPlain(parsed));
      const where = `runs[${index}].history.${lost}`;
      if (lost !== undefined)
        return { ok: false, finding: finding('history', where, 'this is not a field of a history') };
      read.push({ runId, history: parsed });
    } catch {
      return { ok: false, finding: finding('history', `runs[${index}].history`, 'this is not a history') };
    }
  return { ok: true, runs: read };
}

/** Checks that the histories belong to this request, follow each other, and lead to the recorded steps. */
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
  // The replay is made for histories of a server, so do not run it on anything else.
  if (!sound) return;
  const steps: JournalStep[] = [];
  for (const [index, { history }] of runs.entries()) {
    const replayed = await replayer.replay(history, workflowIdOf(evidence.request));
    if (!replayed.ok) {
      yield finding(
        'history',
        `runs[${index}].history`,
        `the history does not replay: ${oneLine(replayed.message)}`,
      );
      return;
    }
    steps.push(...replayed.steps);
  }
  if (steps.length !== evidence.steps.length)
    yield finding(
      'history',
      'steps',
      `the history leads to ${steps.length} steps, but the file has ${evidence.steps.length}`,
    );
  for (const [index, recorded] of evidence.steps.entries()) {
    const plain = { ...recorded, events: recorded.events.map(({ event }) => event) };
    const where = firstDifference(plain, steps[index] ?? {});
    if (where === undefined) continue;
    yield finding('history', `steps[${index}].${where}`, 'the history leads to something else');
    return;
  }
}

/** Checks that the events of each run follow each other as a server writes them. */
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
    yield finding('history', 'execution', `the history says ${execution}`);
  const result = resultOf(runs.at(-1)?.history);
  if (result !== undefined && result !== evidence.status)
    yield finding('history', 'status', `the history says that the workflow ended with ${result}`);
  for (const [index, { runId, history }] of runs.entries()) {
    const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
    const where = `runs[${index}]`;
    if (
      started?.workflowType?.name !== WORKFLOW_TYPE ||
      started.workflowId !== workflowIdOf(evidence.request)
    )
      yield finding('history', `${where}.history`, 'the history is of another workflow');
    if (runIdOf(history) !== runId)
      yield finding('history', `${where}.runId`, 'the history is of another run');
    if (runBefore(history) !== runs[index - 1]?.runId)
      yield finding('history', where, 'this run does not continue the one before it');
  }
}

/** Returns the status that the workflow returned at its end; undefined if it has not completed. */
function resultOf(history: History | undefined): string | undefined {
  const completed = history?.events?.at(-1)?.workflowExecutionCompletedEventAttributes;
  if (completed == null) return undefined;
  const [payload] = completed.result?.payloads ?? [];
  const read = z
    .looseObject({ status: z.string() })
    .safeParse(payload && payloadConverter.fromPayload(payload));
  return read.success ? read.data.status : 'an unreadable result';
}

/** Returns the run of a history: the one that started, or the one that a reset created. */
function runIdOf(history: History): string | undefined {
  const reset = history.events?.findLast((event) => event.workflowTaskFailedEventAttributes?.newRunId);
  const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
  return reset?.workflowTaskFailedEventAttributes?.newRunId ?? started?.originalExecutionRunId ?? undefined;
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').slice(0, 300);
