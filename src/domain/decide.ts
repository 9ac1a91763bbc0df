import { advance } from './advance';
import type { Assessment } from './assessment';
import { elapse } from './clock';
import type { Command } from './command';
import { tryDigestOf } from './digest';
import type { DomainEvent, Recognition } from './event';
import { boundedEnd, boundedLease, type Lease, type ReviewDebt } from './lease';
import type { Refusal, Result } from './refusal';
import { accepted, refused } from './refusal';
import { checkIntegrity, checkRevision } from './rules/integrity';
import { isSound } from './rules/soundness';
import { checkStanding } from './rules/standing';
import { endedUngranted, isOver, type RequestState } from './state';
import type { UnverifiedStatement, VerifiedStatement } from './statement';
import { Trail } from './trail';
import { VERB_RULES } from './verbs';

type CommandOf<T extends Command['type']> = Extract<Command, { type: T }>;

/**
 * What follows from a command in a state: the events, in order, that `evolve` folds into the next state.
 * Pure and total: a command that does not fit yields no event or a recorded refusal, never an exception.
 */
export function decide(state: RequestState | null, command: Command): readonly DomainEvent[] {
  if (state === null) return begin(command);
  switch (command.type) {
    case 'submit':
    case 'reject_submission':
      return [];
    case 'tick':
      return elapse(state, command.atMs).events;
    case 'record_assessment':
      return recordAssessment(state, command);
    case 'consider':
      return consider(state, command);
    case 'record_dropped':
      return command.count > 0
        ? [{ type: 'statements_dropped', atMs: command.atMs, count: command.count }]
        : [];
    case 'record_grant':
      return recordGrant(state, command);
    case 'record_provisioning_refusal': {
      if (state.status !== 'provisioning') return [];
      return [{ type: 'provisioning_failed', atMs: command.atMs, refusal: command.refusal }];
    }
    case 'record_access_ended':
      return recordAccessEnded(state, command);
    case 'record_barred':
      return recordBarred(state, command);
  }
}

function begin(command: Command): readonly DomainEvent[] {
  const { atMs } = command;
  if (command.type === 'submit') {
    const { submission } = command;
    const digest = tryDigestOf(submission.request);
    if (!digest.ok) return rejectSubmission(digest.refusal, atMs);
    return [{ type: 'submitted', atMs, submission, digest: digest.value }];
  }
  return command.type === 'reject_submission' ? rejectSubmission(command.refusal, atMs) : [];
}

/** Nothing that could be granted was submitted, so there is nothing to bar on a target either. */
function rejectSubmission(refusal: Refusal, atMs: number): readonly DomainEvent[] {
  return [
    { type: 'submission_rejected', atMs, refusal },
    { type: 'barred', atMs },
  ];
}

function recordAssessment(
  state: RequestState,
  command: CommandOf<'record_assessment'>,
): readonly DomainEvent[] {
  const { assessment, recognition, atMs } = command;
  if (state.status !== 'assessing' || state.submission === undefined) return [];
  const trail = new Trail(state);
  if (recognition) trail.add({ type: 'recognised', atMs, recognition });
  trail.add({ type: 'assessed', atMs, assessment });
  if (assessment.outcome === 'hard_stop') return trail.add({ type: 'hard_stopped', atMs }).events;
  const through = letsThrough(state, assessment, recognition);
  if (!through) return trail.add({ type: 'refused', atMs }).events;
  advance(trail, atMs);
  return trail.events;
}

function letsThrough(
  state: RequestState,
  assessment: Assessment,
  recognition: Recognition | undefined,
): boolean {
  const request = state.submission?.request;
  if (request === undefined || recognition?.principal !== request.requester) return false;
  return (
    (assessment.outcome === 'permit' || assessment.outcome === 'approve') && isSound(request, assessment)
  );
}

function consider(before: RequestState, command: CommandOf<'consider'>): readonly DomainEvent[] {
  const { check, atMs } = command;
  // Time first: a statement that comes after a deadline finds it passed, whether or not its timer has fired.
  const trail = elapse(before, atMs);
  if (!check.verified) return trail.add(attemptRefused(check.attempt, atMs)).events;
  const { facts } = check;
  const verdict = judge(trail.state, facts, atMs);
  if (!verdict.ok) return trail.add(statementRefused(facts, verdict.refusal, atMs)).events;
  const { signer: _signer, reroute: _reroute, ...proof } = facts;
  trail.add({ type: 'statement_accepted', atMs, accepted: proof }, ...verdict.value);
  advance(trail, atMs);
  return trail.events;
}

function judge(state: RequestState, facts: VerifiedStatement, atMs: number): Result<readonly DomainEvent[]> {
  const integrity = checkIntegrity(state, facts, atMs);
  if (!integrity.ok) return integrity;
  const standing = checkStanding(facts);
  if (!standing.ok) return standing;
  if (isOver(state)) return refused('NOT_NOW', `the request is ${state.status}`);
  const verdict = VERB_RULES[facts.statement.verb](state, facts, atMs);
  if (!verdict.ok) return verdict;
  const revision = checkRevision(state, facts);
  return revision.ok ? accepted(verdict.value) : revision;
}

function attemptRefused(attempt: UnverifiedStatement, atMs: number): DomainEvent {
  const { refusal, claimedVerb, claimedIssuer, claimedId } = attempt;
  return {
    type: 'statement_refused',
    atMs,
    refusal,
    ...(claimedVerb && { verb: claimedVerb }),
    ...(claimedIssuer !== undefined && { by: claimedIssuer }),
    ...(claimedId !== undefined && { jti: claimedId }),
  };
}

function statementRefused(
  { signer, statement }: VerifiedStatement,
  refusal: Refusal,
  atMs: number,
): DomainEvent {
  return {
    type: 'statement_refused',
    atMs,
    refusal,
    verb: statement.verb,
    by: signer.id,
    jti: statement.jti,
  };
}

/** What is owed for a grant, by the record beside the target; never later than was said when the request was assessed. */
function reviewFor(told: ReviewDebt | undefined, lease: Lease, { reviewWithinMs }: Assessment) {
  const expectedMs = reviewWithinMs === undefined ? undefined : lease.grantedAtMs + reviewWithinMs;
  if (told === undefined) return expectedMs === undefined ? {} : { reviewDueAtMs: expectedMs };
  return { reviewDueAtMs: Math.min(told.dueAtMs, expectedMs ?? told.dueAtMs), reviewers: told.reviewers };
}

function recordGrant(state: RequestState, command: CommandOf<'record_grant'>): readonly DomainEvent[] {
  // A request that ended while the target was being asked stays ended; its bar takes the lease away again.
  const { status, assessment, submission } = state;
  if (status !== 'provisioning' || assessment === undefined || submission === undefined) return [];
  const { atMs } = command;
  const lease = boundedLease(command.lease, submission.request.durationMs, atMs);
  const review = reviewFor(command.review, lease, assessment);
  const trail = new Trail(state).add({ type: 'granted', atMs, lease, ...review });
  // Over before anybody heard that it was given. It is told to end all the same: that it has is only what was said.
  if (command.end !== undefined) trail.add({ type: 'ending_ordered', atMs, end: command.end });
  return trail.events;
}

function recordAccessEnded(
  state: RequestState,
  { ending, atMs }: CommandOf<'record_access_ended'>,
): readonly DomainEvent[] {
  if (state.status !== 'active' || state.ending === undefined || state.lease === undefined) return [];
  const trail = new Trail(state);
  if (ending === undefined) trail.add({ type: 'access_ended', atMs, end: state.ending });
  else {
    const endedAtMs = boundedEnd(state.lease, ending.atMs, atMs);
    const cause = ending.cause === undefined ? {} : { cause: ending.cause };
    trail.add({ type: 'access_ended', atMs, end: ending.end, endedAtMs, ...cause });
  }
  advance(trail, atMs);
  return trail.events;
}

/** Access that a bar took away was access all the same: it is on record, and what is owed for it stays owed. */
function recordBarred(
  state: RequestState,
  { held: told, atMs }: CommandOf<'record_barred'>,
): readonly DomainEvent[] {
  if (!endedUngranted(state) || state.barred) return [];
  const durationMs = state.submission?.request.durationMs;
  if (told === undefined || durationMs === undefined) return [{ type: 'barred', atMs }];
  const lease = boundedLease(told.lease, durationMs, atMs);
  const held = { lease, endedAtMs: boundedEnd(lease, told.endedAtMs, atMs) };
  const barred: DomainEvent = { type: 'barred', atMs, held };
  const withinMs = state.assessment?.reviewWithinMs;
  if (withinMs === undefined) return [barred];
  return [barred, { type: 'review_owed', atMs, dueAtMs: lease.grantedAtMs + withinMs }];
}
