import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestView } from '../../client';
import { formatDuration } from '../../contracts/duration';
import { CountersignError } from '../../contracts/error';
import { quorumIn, sayQuorum, stageInWait } from '../../contracts/progress';
import { isPendingStatus } from '../../domain/status';
import { printable } from '../output';
import type { Seen } from './wanted';

const PAUSE_MS = 1_000;

/** Describes in one line who is awaited, since when, and what happens next. The line stays the same until something changes. */
export function sayWaiting(view: RequestView): string {
  if (view.status !== 'awaiting_approval' && view.awaiting.length === 0)
    return `the request is ${view.status}`;
  const quorum = quorumIn(view);
  const whom = quorum === undefined ? `awaits ${view.awaiting.join(' or ')}` : sayQuorum(quorum);
  const who = `${whom}${view.openStage ? ` (${view.openStage})` : ''}`;
  const sinceMs = view.stageOpenedAtMs;
  const since = sinceMs ? ` since ${clockTime(sinceMs)}` : '';
  return printable([`${who}${since}`, ...prospects(view)].join('; '));
}

function* prospects(view: RequestView): Generator<string> {
  const sinceMs = view.stageOpenedAtMs;
  const stage = stageInWait(view);
  if (sinceMs && stage !== undefined) {
    if (view.escalated) yield 'it has been escalated';
    else if (stage.escalateAfterMs !== undefined)
      yield `escalates at ${clockTime(sinceMs + stage.escalateAfterMs)}`;
    if (stage.expireAfterMs !== undefined) yield `lapses at ${clockTime(sinceMs + stage.expireAfterMs)}`;
  } else if (view.nextDeadline !== undefined)
    yield `next: ${view.nextDeadline.summary} at ${clockTime(view.nextDeadline.atMs)}`;
}

export interface GrantWait {
  readonly timeoutMs: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Gets the line of `sayWaiting` whenever it changes. */
  say(line: string): void;
}

/** Waits until a request is granted or has ended. Returns undefined if the waiting was ended first. */
export async function waitForGrant(
  look: () => Promise<Seen | undefined>,
  { timeoutMs, signal, say }: GrantWait,
): Promise<Seen | undefined> {
  const untilMs = Date.now() + timeoutMs;
  let said = '';
  for (let pauseMs = 50; !signal.aborted; pauseMs = Math.min(pauseMs * 1.5, PAUSE_MS)) {
    const view = await look();
    if (view !== undefined && !isPendingStatus(view.status)) return view;
    const line = view === undefined ? 'no worker has answered yet' : view.waiting;
    // Quiet at first, because access that policy permits is there before anyone could read a line.
    if (line !== said && (view?.status === 'awaiting_approval' || pauseMs >= PAUSE_MS)) {
      said = line;
      say(line);
    }
    if (Date.now() + pauseMs > untilMs)
      throw new CountersignError(
        'TIMED_OUT',
        `not granted within ${formatDuration(timeoutMs)}: ${line}; the request is taken back`,
      );
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

const clockTime = (atMs: number): string => new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');
