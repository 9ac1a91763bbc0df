import { Context } from '@temporalio/activity';
import { isPermanent } from '../database/unavailable';
import type { Refusal } from '../domain/refusal';

/** An act that still fails after this long needs people to look, and not only another retry. */
const ALERT_AFTER_MS = 120_000;

/**
 * Runs an act that must succeed in the end. If it keeps failing, logs an error at each attempt and rethrows. A refusal that
 * no retry mends is logged at the first attempt too.
 */
export async function orAlert<T>(
  act: () => Promise<T>,
  about: Readonly<Record<string, unknown>>,
  nowMs: () => number,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const context = currentContext();
    const failingForMs = context === undefined ? 0 : nowMs() - context.info.scheduledTimestampMs;
    const isAtOnce = isPermanent(error) && context?.info.attempt === 1;
    if (context !== undefined && (isAtOnce || failingForMs >= ALERT_AFTER_MS)) {
      const reason = error instanceof Error ? error.message : 'unknown';
      const { attempt } = context.info;
      context.log.error('ALERT access could not be taken away yet', {
        ...about,
        failingForMs,
        attempt,
        reason,
      });
    }
    throw error;
  }
}

/**
 * Returns the refusal with which a request ends if its target or the ledger refused for a reason that no retry mends, and logs
 * it for the operator. Rethrows an outage, so that the act is retried.
 *
 * @param what the target or the store, for the message
 */
export function refusalOf(error: unknown, what: string, about: Readonly<Record<string, unknown>>): Refusal {
  if (!isPermanent(error)) throw error;
  const detail = `${what} is set up wrongly, and an operator has to mend it: ${error.message}`;
  currentContext()?.log.error('a target or the ledger refused for a reason that no retry mends', {
    ...about,
    reason: error.message,
  });
  return { code: 'TARGET_REFUSED', detail };
}

/** Returns undefined if the activity was called as a plain function. */
function currentContext(): Context | undefined {
  try {
    return Context.current();
  } catch {
    return undefined;
  }
}
