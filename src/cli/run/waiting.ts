import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestView } from '../../client';
import { CountersignError } from '../../contracts/error';
import { isPendingStatus } from '../../domain/state';
import { sayDuration } from '../duration';
import { printable } from '../output';
import { stageInWait } from '../render';
import type { Seen } from './way';

const PAUSE_MS = 1_000;

/** Who is awaited, since when, and what time will do next: one line, the same until something changes. */
export function sayWaiting(view: RequestView): string {
  if (view.status !== 'awaiting_approval' && view.awaiting.length === 0)
    return `the request is ${view.status}`;
  const who = `awaits ${view.awaiting.join(' or ')}${view.openStage ? ` (${view.openStage})` : ''}`;
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

export interface Waiting {
  readonly timeoutMs: number;
  /** Gives up the waiting. */
  readonly signal: AbortSignal;
  /** Hears the line of `sayWaiting` whenever it is another one. */
  say(line: string): void;
}

/** Waits until a request is granted or has ended, saying who it waits for. Yields nothing where it was given up. */
export async function waitForGrant(
  look: () => Promise<Seen | undefined>,
  { timeoutMs, signal, say }: Waiting,
): Promise<Seen | undefined> {
  const untilMs = Date.now() + timeoutMs;
  let said = '';
  for (let pauseMs = 50; !signal.aborted; pauseMs = Math.min(pauseMs * 1.5, PAUSE_MS)) {
    const view = await look();
    if (view !== undefined && !isPendingStatus(view.status)) return view;
    const line = view === undefined ? 'no worker has answered yet' : view.waiting;
    // A fresh request is silent at first: what policy permits is there before a line would be read.
    if (line !== said && (view?.status === 'awaiting_approval' || pauseMs >= PAUSE_MS)) {
      said = line;
      say(line);
    }
    if (Date.now() + pauseMs > untilMs)
      throw new CountersignError(
        'TIMED_OUT',
        `not granted within ${sayDuration(timeoutMs)}: ${line}; the request is taken back`,
      );
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

const clockTime = (atMs: number): string => new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');
