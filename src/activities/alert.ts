import { Context } from '@temporalio/activity';

/** An act that is tried for ever and still fails after this is for people, not for another try alone. */
const ALERT_AFTER_MS = 120_000;

/** Runs an act that must succeed in the end. Where it keeps failing, an error in the log says so, once for each try. */
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
    if (context !== undefined && failingForMs >= ALERT_AFTER_MS) {
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

/** Absent where an activity is called as a plain function. */
function currentContext(): Context | undefined {
  try {
    return Context.current();
  } catch {
    return undefined;
  }
}
