import { advance } from './advance';
import type { Assessment } from './assessment';
import { elapse } from './clock';
import type { Command } from './command';
import { defined } from './defined';
import { tryDigestOf } from './digest';
import type { DomainEvent, Recognition } from './event';
import { boundedEnd, boundedLease, type Lease, type ReviewDebt } from './lease';
import type { Refusal } from './refusal';
import type { AccessRequest } from './request';
import { isSound } from './rules/soundness';
import { approvedDurationMs } from './stages';
import { endedUngranted, type RequestState } from './state';
import type { UnverifiedStatement, VerifiedStatement } from './statement';
import { Trail } from './trail';
import { judge } from './verbs/judge';

type CommandOf<T extends Command['type']> = Extract<Command, { type: T }>;

/**
 * Returns the events that follow from a command in a state, in order. `evolve` folds them into the next state.
 * Pure and total: a command that does not fit gives no event or a recorded refusal, never an exception.
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

/** The submission could not be read, so there is no lease to bar on a target. */
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
  if (state.phase !== 'submitted') return [];
  const trail = new Trail(state);
  if (recognition) trail.add({ type: 'recognised', atMs, recognition });
  trail.add({ type: 'assessed', atMs, assessment });
  if (assessment.outcome === 'hard_stop') return trail.add({ type: 'hard_stopped', atMs }).events;
  const through = letsThrough(state.submission.request, assessment, recognition);
  if (!through) return trail.add({ type: 'refused', atMs }).events;
  advance(trail, atMs);
  return trail.events;
}

function letsThrough(
  request: AccessRequest,
  assessment: Assessment,
  recognition: Recognition | undefined,
): boolean {
  if (recognition?.principal !== request.requester) return false;
  return (
    (assessment.outcome === 'permit' || assessment.outcome === 'approve') && isSound(request, assessment)
  );
}

function consider(before: RequestState, command: CommandOf<'consider'>): readonly DomainEvent[] {
  const { check, atMs } = command;
  // Time first: a statement after a deadline must see it passed, even if its timer has not fired yet.
  const trail = elapse(before, atMs);
  if (!check.verified) return trail.add(attemptRefused(check.attempt, atMs)).events;
  const { facts: verified } = check;
  const decision = judge(trail.state, verified, atMs);
  if (!decision.ok) return trail.add(statementRefused(verified, decision.refusal, atMs)).events;
  const { signer: _signer, reroute: _reroute, ...proof } = verified;
  trail.add({ type: 'statement_accepted', atMs, accepted: proof }, ...decision.value);
  advance(trail, atMs);
  return trail.events;
}

function attemptRefused(attempt: UnverifiedStatement, atMs: number): DomainEvent {
  const { refusal, claimedVerb, claimedIssuer, claimedId } = attempt;
  return {
    type: 'statement_refused',
    atMs,
    refusal,
    ...defined({ verb: claimedVerb, by: claimedIssuer, jti: claimedId }),
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

/** Returns the review that is owed for a grant, by the record beside the target; never later than the assessment says. */
function reviewFor(recorded: ReviewDebt | undefined, lease: Lease, { reviewWithinMs }: Assessment) {
  const expectedMs = reviewWithinMs === undefined ? undefined : lease.grantedAtMs + reviewWithinMs;
  if (recorded === undefined) return expectedMs === undefined ? {} : { reviewDueAtMs: expectedMs };
  const { dueAtMs, reviewers } = recorded;
  return { reviewDueAtMs: Math.min(dueAtMs, expectedMs ?? dueAtMs), reviewers };
}

function recordGrant(state: RequestState, command: CommandOf<'record_grant'>): readonly DomainEvent[] {
  // If the request ended while the target was being asked, it stays ended; its bar ends the lease.
  if (state.status !== 'provisioning') return [];
  const { atMs } = command;
  const lease = boundedLease(command.lease, approvedDurationMs(state), atMs);
  const review = reviewFor(command.review, lease, state.assessment);
  const trail = new Trail(state).add({ type: 'granted', atMs, lease, ...review });
  // The lease had ended before we learned of it. Order its end anyway, because only an untrusted answer says that it ended.
  if (command.end !== undefined) trail.add({ type: 'ending_ordered', atMs, end: command.end });
  return trail.events;
}

function recordAccessEnded(
  state: RequestState,
  { ending, atMs }: CommandOf<'record_access_ended'>,
): readonly DomainEvent[] {
  if (state.status !== 'active' || state.ending === undefined) return [];
  const trail = new Trail(state);
  if (ending === undefined) trail.add({ type: 'access_ended', atMs, end: state.ending });
  else {
    const endedAtMs = boundedEnd(state.lease, ending.atMs, atMs);
    const { end, cause } = ending;
    trail.add({ type: 'access_ended', atMs, end, endedAtMs, ...defined({ cause }) });
  }
  advance(trail, atMs);
  return trail.events;
}

/** If a bar ended access, the access is recorded, and its review stays owed. */
function recordBarred(
  state: RequestState,
  { held: reported, atMs }: CommandOf<'record_barred'>,
): readonly DomainEvent[] {
  if (!endedUngranted(state) || state.barred) return [];
  if (reported === undefined || state.phase === 'unread') return [{ type: 'barred', atMs }];
  const lease = boundedLease(reported.lease, approvedDurationMs(state), atMs);
  const held = { lease, endedAtMs: boundedEnd(lease, reported.endedAtMs, atMs) };
  const barred: DomainEvent = { type: 'barred', atMs, held };
  const withinMs = state.assessment?.reviewWithinMs;
  if (withinMs === undefined) return [barred];
  return [barred, { type: 'review_owed', atMs, dueAtMs: lease.grantedAtMs + withinMs }];
}
