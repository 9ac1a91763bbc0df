/**
 * Makes of something that anyone may ask for something that is done at most once in a while: all who ask meanwhile are told
 * the same, also that it failed.
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
    // Counted from its end: something that takes long is not begun a second time meanwhile.
    const over = () => {
      asked.untilMs = nowMs() + ms;
    };
    answer.then(over, over);
    return answer;
  };
}
