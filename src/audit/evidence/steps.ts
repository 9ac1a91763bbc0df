import type { AssessResult } from '../../activities/types';
import type { JournalStep } from '../../workflows/journal';
import type { Recheck, Rechecker } from './recheck';

/** What checking a step again has shown. */
export interface StepRecheck {
  readonly index: number;
  readonly kind: 'assessment' | 'statement';
  readonly found: Recheck;
}

/**
 * Checks again every step that rests on policy, on the directory or on a signature. The others rest on the steps before
 * them, and on the history.
 *
 * @param raw what was submitted, read from the history
 */
export async function* recheckSteps(
  rechecker: Rechecker,
  requestId: string,
  raw: unknown,
  steps: readonly JournalStep[],
): AsyncGenerator<StepRecheck> {
  const [first] = steps;
  for (const [index, { command, received }] of steps.entries()) {
    if (command.type === 'reject_submission') {
      const recorded: AssessResult = { readable: false, refusal: command.refusal };
      yield { index, kind: 'assessment', found: await rechecker.assessment(raw, requestId, recorded) };
    }
    if (command.type === 'record_assessment' && first?.command.type === 'submit') {
      const { submission } = first.command;
      const { assessment, recognition, precedents } = command;
      const recorded: AssessResult = {
        readable: true,
        submission,
        assessment,
        ...(recognition && { recognition }),
        ...(precedents && { precedents }),
      };
      yield { index, kind: 'assessment', found: await rechecker.assessment(raw, requestId, recorded) };
    }
    if (command.type === 'consider') yield { index, kind: 'statement', found: await considered() };

    async function considered(): Promise<Recheck> {
      if (command.type !== 'consider') return { same: true };
      if (received === undefined) return { same: false, message: 'what was received is missing' };
      // Where no request could be read, statements were refused unread.
      if (first?.command.type !== 'submit') return { same: true };
      const { request } = first.command.submission;
      return rechecker.statement(received, request, command.check, command.atMs);
    }
  }
}
