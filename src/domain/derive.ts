import type { Assessment } from './assessment';
import type { Command } from './command';
import { decide } from './decide';
import { evolve } from './evolve';
import { LIMITS } from './limits';
import { checkStatement, type Directory, type Policy } from './ports';
import type { Evidence } from './prove';
import { accepted, type Refusal, type Result, refused } from './refusal';
import type { RequestState } from './state';
import { strictestOf } from './strictest';

/** Where a request stands by its evidence, its directory and its policy, whatever anyone else says of it. */
export interface Derived {
  readonly state: RequestState | null;
  readonly firstRefusal?: Refusal;
  /** What policy says today. */
  readonly today: Assessment;
  /** The stricter of that and of what was recorded. */
  readonly assessment: Assessment;
}

/**
 * Runs the course of a request again from its evidence: signatures are verified again, policy is evaluated again, and
 * the same `decide` folds the statements again under the stricter of the recorded and today's assessment.
 *
 * @returns where it leads at `nowMs`, or the first refusal that keeps it from being run at all
 */
export async function derive(
  evidence: Evidence,
  nowMs: number,
  directory: Directory,
  policy: Policy,
): Promise<Result<Derived>> {
  const { submission, statements } = evidence;
  const { request } = submission;
  const timely = checkTimes(evidence, nowMs);
  if (!timely.ok) return timely;
  const recognition = await directory.authenticateSubmission(submission, nowMs);
  if (!recognition.ok) return recognition;
  const today = await policy.assess(request, nowMs);
  const strictest = strictestOf(evidence.assessment, today);
  if (!strictest.ok) return strictest;
  const assessment = strictest.value;

  const course = new Course();
  course.apply({ type: 'submit', submission, atMs: request.submittedAtMs });
  course.apply({
    type: 'record_assessment',
    assessment,
    recognition: recognition.value,
    atMs: evidence.assessment.assessedAtMs,
  });
  const found = () =>
    accepted({
      state: course.state,
      today,
      assessment,
      ...(course.firstRefusal && { firstRefusal: course.firstRefusal }),
    });
  if (course.state?.status === 'refused') return found();
  for (const { envelope, receivedAtMs } of statements) {
    const check = await checkStatement(envelope, request, nowMs, directory, policy);
    course.apply({ type: 'consider', check, atMs: receivedAtMs });
  }
  course.apply({ type: 'tick', atMs: nowMs });
  return found();
}

/** The course of a request, run again. */
class Course {
  state: RequestState | null = null;
  firstRefusal: Refusal | undefined;

  apply(command: Command): void {
    for (const event of decide(this.state, command)) {
      this.state = evolve(this.state, event);
      if (event.type === 'statement_refused') this.firstRefusal ??= event.refusal;
    }
  }
}

/** The claimed times are in order and none lies in the future; a claimed time can never make a statement live longer. */
function checkTimes(evidence: Evidence, nowMs: number): Result<void> {
  const { submission, assessment, statements } = evidence;
  if (statements.length > LIMITS.acceptedStatements) return refused('TOO_LARGE', 'too many statements');
  const { submittedAtMs } = submission.request;
  const timesMs = [assessment.assessedAtMs, ...statements.map((one) => one.receivedAtMs)];
  // A time that is no number compares as neither early nor late, and would pass for any.
  if (![submittedAtMs, ...timesMs].every(Number.isSafeInteger))
    return refused('MALFORMED', 'the evidence has a time that is none');
  let earlierMs = submittedAtMs - LIMITS.clockSkewMs;
  for (const atMs of timesMs) {
    if (atMs < earlierMs) return refused('NOT_AUTHORISED', 'the evidence is not in the order of time');
    earlierMs = atMs;
  }
  if (earlierMs > nowMs + LIMITS.clockSkewMs)
    return refused('NOT_AUTHORISED', 'the evidence is dated in the future');
  return accepted(undefined);
}
