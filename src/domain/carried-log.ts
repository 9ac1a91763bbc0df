import { derive } from './derive';
import { digestOf } from './digest';
import type { DomainEvent } from './event';
import { fold } from './evolve';
import { boundedLease, type Lease } from './lease';
import type { KeyDirectory, Policy } from './ports';
import type { PrincipalId } from './principal';
import { accepted, type Refusal, type Result, refused, refusedBy } from './refusal';
import type { Submission } from './request';
import { approvedDurationMs } from './stages';
import type { ReadState } from './state';
import type { Statement, Verb } from './statement';
import { strictestOf } from './strictest';

/** What the target knows of a request's lease. */
export interface LeaseOnTarget {
  readonly lease: Lease;
  readonly requestDigest: string;
}

/**
 * Checks the events that a run claims to have taken over from an earlier run of the same request. Anyone who can write to
 * the namespace can start such a run with invented events, so each claim is derived again before the run shows it or acts on
 * it: the submission by its signature, each statement by its signer's, a grant by the lease on the target, and everything
 * that is still pending by today's policy.
 *
 * @param events decoded, oldest first
 * @param leaseOf what the target knows of the lease; undefined if it knows none. A reader who cannot ask the target gives no
 *   function, and a grant is then not checked.
 * @returns the state that the events fold to, or the first refusal
 */
export async function checkCarriedLog(
  events: readonly DomainEvent[],
  submission: Submission,
  nowMs: number,
  directory: KeyDirectory,
  policy: Policy,
  leaseOf: (() => Promise<LeaseOnTarget | undefined>) | undefined,
): Promise<Result<ReadState>> {
  const signed = await checkSigned(events, submission, nowMs, directory);
  if (!signed.ok) return signed;
  const state = signed.value;
  const refusal =
    (await refuseRecognition(state, submission, nowMs, directory)) ??
    (leaseOf && (await refuseLease(events, state, leaseOf))) ??
    (await refusePending(state, submission, nowMs, directory, policy));
  return refusal === undefined ? accepted(state) : refusedBy(refusal);
}

/** Checks that events are about a submission, and that its people signed what the events say they did. */
export async function checkSigned(
  events: readonly DomainEvent[],
  submission: Submission,
  nowMs: number,
  directory: KeyDirectory,
): Promise<Result<ReadState>> {
  const state = fold(events);
  if (state === null || state.phase === 'unread' || digestOf(state.submission) !== digestOf(submission))
    return notCarried('it is about another submission');
  if (state.digest !== digestOf(submission.request))
    return notCarried('its digest is not that of the request');
  const said = await verifyStatements(events, state, nowMs, directory);
  if (!said.ok) return said;
  const unsaid = events.find((event) => !isSaid(event, said.value));
  return unsaid === undefined
    ? accepted(state)
    : notCarried(`nobody signed what it records as ${unsaid.type}`);
}

/** Returns the accepted statements, after verifying their signatures again. */
async function verifyStatements(
  events: readonly DomainEvent[],
  { digest }: ReadState,
  nowMs: number,
  directory: KeyDirectory,
): Promise<Result<readonly Statement[]>> {
  const statements: Statement[] = [];
  for (const event of events) {
    if (event.type !== 'statement_accepted') continue;
    const check = await directory.authenticateStatement(event.accepted.envelope, nowMs);
    if (!check.verified) return refusedBy(check.attempt.refusal);
    const { statement } = check.facts;
    if (digestOf(statement) !== digestOf(event.accepted.statement) || statement.digest !== digest)
      return notCarried('a statement says otherwise than its signature');
    statements.push(statement);
  }
  return accepted(statements);
}

/** For events that need a statement: the verbs that can cause them. */
const VERB_OF: Readonly<Partial<Record<DomainEvent['type'], Verb>>> = {
  approval_counted: 'approve',
  confirmed: 'confirm',
  denied: 'deny',
  cancelled: 'cancel',
  withdrawn: 'withdraw',
  reroute_proposed: 'reroute',
  rerouted: 'reroute',
  switch_proposed: 'reroute',
  path_switched: 'reroute',
  reviewed: 'review',
  execution_reported: 'report',
};

/** True if somebody signed what the event records, or if nobody has to. */
function isSaid(event: DomainEvent, statements: readonly Statement[]): boolean {
  const verb = VERB_OF[event.type];
  if (verb === undefined) return true;
  const endorser = 'endorsedBy' in event ? event.endorsedBy : undefined;
  if (endorser !== undefined && !statements.some((one) => one.verb === 'endorse' && one.iss === endorser))
    return false;
  const { by, jti } = authorOf(event);
  return statements.some(
    (one) =>
      one.verb === verb && (one.iss === by || one.reporter === by) && (jti === undefined || one.jti === jti),
  );
}

function authorOf(event: DomainEvent): { readonly by?: PrincipalId; readonly jti?: string } {
  switch (event.type) {
    case 'reroute_proposed':
    case 'rerouted':
      return event.reroute;
    case 'switch_proposed':
    case 'path_switched':
      return event.change;
    case 'approval_counted':
    case 'confirmed':
      return event;
    default:
      return 'by' in event && event.by !== undefined ? { by: event.by } : {};
  }
}

/** A request whose requester was never recognised can only have been refused. */
async function refuseRecognition(
  state: ReadState,
  submission: Submission,
  nowMs: number,
  directory: KeyDirectory,
): Promise<Refusal | undefined> {
  if (state.recognition === undefined)
    return state.status === 'refused' || state.status === 'hard_stopped'
      ? undefined
      : refusalOf('its requester was not recognised');
  const recognition = await directory.authenticateSubmission(submission, nowMs);
  if (!recognition.ok) return recognition.refusal;
  return recognition.value.principal === state.recognition.principal
    ? undefined
    : refusalOf('its requester is somebody else');
}

/** The target must have a lease of this request with the times that the log records. */
async function refuseLease(
  events: readonly DomainEvent[],
  state: ReadState,
  leaseOf: () => Promise<LeaseOnTarget | undefined>,
): Promise<Refusal | undefined> {
  const claimed = leaseIn(state);
  if (claimed === undefined) return undefined;
  const recorded = events.find((event) => event.type === 'granted' || event.type === 'barred');
  const known = await leaseOf();
  if (known === undefined || recorded === undefined || known.requestDigest !== state.digest)
    return refusalOf('the target has no lease of this request');
  const bounded = boundedLease(known.lease, approvedDurationMs(state), recorded.atMs);
  return digestOf(bounded) === digestOf(claimed)
    ? undefined
    : refusalOf('the target has another lease of this request');
}

/** Returns the lease that the request had, whether it was granted or a bar ended it. */
function leaseIn(state: ReadState): Lease | undefined {
  if (state.phase === 'granted') return state.lease;
  return state.phase === 'ungranted' ? state.held?.lease : undefined;
}

/** An open request must have the status that its evidence and today's policy lead to. */
async function refusePending(
  state: ReadState,
  submission: Submission,
  nowMs: number,
  directory: KeyDirectory,
  policy: Policy,
): Promise<Refusal | undefined> {
  if (state.phase !== 'assessed') return undefined;
  const { assessment, status, statements } = state;
  if (status === 'awaiting_approval') {
    const strictest = strictestOf(assessment, await policy.assess(submission.request, nowMs));
    return strictest.ok ? undefined : strictest.refusal;
  }
  if (status !== 'approved' && status !== 'provisioning') return undefined;
  const derived = await derive({ submission, assessment, statements }, nowMs, directory, policy);
  if (!derived.ok) return derived.refusal;
  const { state: leadsTo, firstRefusal } = derived.value;
  if (leadsTo?.status === 'provisioning' || leadsTo?.status === status) return undefined;
  return firstRefusal ?? refusalOf(`its evidence leads to ${leadsTo?.status ?? 'nothing'}`);
}

const refusalOf = (why: string): Refusal => ({
  code: 'NOT_AUTHORISED',
  detail: `the log of an earlier run does not hold: ${why}`,
});
const notCarried = (why: string) => refused('NOT_AUTHORISED', refusalOf(why).detail);
