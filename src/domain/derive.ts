import type { Assessment } from './assessment';
import type { Command } from './command';
import { decide } from './decide';
import { defined } from './defined';
import type { Evidence } from './evidence';
import { evolve } from './evolve';
import { LIMITS } from './limits';
import { checkStatement, type KeyDirectory, type Policy } from './ports';
import { accepted, type Refusal, type Result, refused } from './refusal';
import type { RequestState } from './state';
import { strictestOf } from './strictest';

/** Where a request stands by its evidence, the directory and the policy, whatever anyone else claims. */
export interface Derived {
  readonly state: RequestState | null;
  readonly firstRefusal?: Refusal;
  /** What policy says today. */
  readonly today: Assessment;
  /** The stricter of that and of what was recorded. */
  readonly assessment: Assessment;
}

/**
 * Replays a request from its evidence: verifies the signatures again, evaluates policy again, and folds the statements
 * with the same `decide`, under the stricter of the recorded and today's assessment.
 *
 * @returns where the request stands at `nowMs`, or the refusal if it could not be replayed
 */
export async function derive(
  evidence: Evidence,
  nowMs: number,
  directory: KeyDirectory,
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

  const replay = new Replay();
  const derived = () => {
    const { state, firstRefusal } = replay;
    return accepted({ state, today, assessment, ...defined({ firstRefusal }) });
  };
  replay.apply({ type: 'submit', submission, atMs: request.submittedAtMs });
  replay.apply({
    type: 'record_assessment',
    assessment,
    recognition: recognition.value,
    atMs: evidence.assessment.assessedAtMs,
  });
  if (replay.state?.status === 'refused') return derived();
  for (const { envelope, receivedAtMs } of statements) {
    const check = await checkStatement(envelope, request, nowMs, directory, policy);
    replay.apply({ type: 'consider', check, atMs: receivedAtMs });
  }
  replay.apply({ type: 'tick', atMs: nowMs });
  return derived();
}

/** A request that is decided and folded again, command by command. */
class Replay {
  state: RequestState | null = null;
  firstRefusal: Refusal | undefined;

  apply(command: Command): void {
    for (const event of decide(this.state, command)) {
      this.state = evolve(this.state, event);
      if (event.type === 'statement_refused') this.firstRefusal ??= event.refusal;
    }
  }
}

/** Checks that the claimed times are in order and not in the future. A claimed time can never make a statement live longer. */
function checkTimes(evidence: Evidence, nowMs: number): Result<void> {
  const { submission, assessment, statements } = evidence;
  if (statements.length > LIMITS.acceptedStatements) return refused('TOO_LARGE', 'too many statements');
  const { submittedAtMs } = submission.request;
  const timesMs = [assessment.assessedAtMs, ...statements.map((one) => one.receivedAtMs)];
  // NaN compares as neither early nor late, so it would pass every check below.
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
