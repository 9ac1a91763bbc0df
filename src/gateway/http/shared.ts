/**
 * Shares one run of `work` among all callers, and its result (failures too) for `ms` milliseconds after it ended. For work that
 * anyone may trigger.
 */
export function sharedFor<T>(
  ms: number,
  work: () => Promise<T>,
  nowMs = () => performance.now(),
): () => Promise<T> {
  let last: { readonly answer: Promise<T>; untilMs: number } | undefined;
  return () => {
    if (last !== undefined && nowMs() < last.untilMs) return last.answer;
    const answer = work();
    const asked = { answer, untilMs: Number.POSITIVE_INFINITY };
    last = asked;
    // Counted from its end, so that slow work does not start twice.
    const over = () => {
      asked.untilMs = nowMs() + ms;
    };
    answer.then(over, over);
    return answer;
  };
}
