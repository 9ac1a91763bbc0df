import { evidenceOf } from '../contracts/evidence';
import { type RequestView, requestViewSchema } from '../contracts/snapshot';
import { checkCarriedLog, type LeaseOnTarget } from '../domain/carried-log';
import { type Derived, derive } from '../domain/derive';
import { requestDigest } from '../domain/digest';
import type { DomainEvent } from '../domain/event';
import { fold } from '../domain/evolve';
import { AnswerAway, type Authority } from '../domain/ports';
import type { GrantEntry } from '../domain/precedents';
import { accepted, type Refusal, type Result, refused, refusedBy } from '../domain/refusal';
import type { AccessRequest, Submission } from '../domain/request';
import { snapshotOf } from '../domain/snapshot';
import { reviewersOf } from '../domain/stages';
import {
  assessmentOf,
  type GrantedState,
  isReviewOwed,
  type ReadState,
  type RequestState,
} from '../domain/state';

/** What the server says of a request. Anyone who can write to the namespace can make it say anything. */
export interface Claim {
  readonly requestId: string;
  readonly events: readonly DomainEvent[];
  /** What the first event of the history has, for a reader that fetched it. It has to be what the events are about. */
  readonly submission?: Submission;
}

/** What a reader verifies with: a directory and policy of its own and, where it can reach them, the targets and the ledger. */
export interface Reader extends Authority {
  /** Asks the target for the lease of a request. */
  readonly leaseOf?: (request: AccessRequest) => Promise<TargetAnswer>;
  /** Asks the ledger for a grant. Used if the target cannot be asked. */
  readonly grantOf?: (digest: GrantEntry['digest']) => Promise<GrantEntry | undefined>;
}

/** What came of asking a target for a lease. `asked: false`: this reader cannot reach it. */
export type TargetAnswer =
  | { readonly asked: true; readonly lease?: LeaseOnTarget }
  | { readonly asked: false };

/** A part of a verified request for which there is only the server's word. */
type ServerWord = 'access' | 'end' | 'assessment' | 'attempts';

/** A request that verifies. */
export interface ProvedRequest {
  readonly holds: true;
  readonly request: AccessRequest;
  /** Computed here from the verified submission. This is what a statement has to be signed over. */
  readonly digest: string;
  readonly view: RequestView;
  /** What the view is made from, and the events that it was derived from. */
  readonly state: ReadState;
  readonly events: readonly DomainEvent[];
  /** What of the view could not be derived here. Empty if all of it was. */
  readonly serverSays: readonly ServerWord[];
}

/** What verification found out about a request. */
export type VerifiedRequest =
  | ProvedRequest
  | {
      readonly holds: false;
      /** Why it does not hold, or could not be derived here. */
      readonly refusal: Refusal;
      /** What the server says. Show it only with a mark that it is not proved. */
      readonly claimed?: RequestView;
    };

/**
 * Derives what can be said of a request, and believes nothing that the server only says. The submission is verified by its
 * signature, each statement by its signer's, the path and who is awaited by the reader's own policy, access by the lease on
 * the target or in the ledger where the reader can ask for it.
 *
 * Throws only if the target or the ledger cannot be reached.
 */
export async function verifyRequest(claim: Claim, reader: Reader, nowMs: number): Promise<VerifiedRequest> {
  const claimed = claimedBy(claim.events);
  const derived = await deriveFrom(claim, claimed, reader, nowMs);
  if (!derived.ok) {
    const view = claimed && viewOf(claimed);
    return { holds: false, refusal: derived.refusal, ...(view && { claimed: view }) };
  }
  const { state, awaiting, serverSays } = derived.value;
  const { request } = state.submission;
  const view = viewOf(state);
  if (view === undefined)
    return { holds: false, refusal: { code: 'MALFORMED', detail: 'it cannot be shown' } };
  return {
    holds: true,
    request,
    digest: requestDigest(request),
    view: { ...view, ...(awaiting && { awaiting: [...awaiting] }) },
    ...{ state, events: claim.events },
    serverSays,
  };
}

interface Shown {
  readonly state: ReadState;
  readonly awaiting?: readonly string[];
  readonly serverSays: readonly ServerWord[];
}

async function deriveFrom(
  { requestId, events, submission }: Claim,
  state: RequestState | undefined,
  reader: Reader,
  nowMs: number,
): Promise<Result<Shown>> {
  if (state === undefined || state.phase === 'unread') return unproved('nothing that is signed is in it');
  const { request } = state.submission;
  if (request.id !== requestId)
    return refused('DIGEST_MISMATCH', `it is about another request, ${request.id}`);
  if (submission !== undefined && requestDigest(submission.request) !== requestDigest(request))
    return refused('DIGEST_MISMATCH', 'what was submitted is not what its events are about');
  const { directory, policy, leaseOf } = reader;
  if (state.phase === 'submitted') {
    const recognised = await directory.authenticateSubmission(state.submission, nowMs);
    return recognised.ok ? accepted({ state, serverSays: [] }) : recognised;
  }
  const hadAccess = state.phase === 'granted' || (state.phase === 'ungranted' && state.held !== undefined);
  const answer = hadAccess ? await leaseOf?.(request) : undefined;
  const lease = answer?.asked ? async () => answer.lease : undefined;
  const checked = await answered(checkCarriedLog(events, state.submission, nowMs, directory, policy, lease));
  if (!checked.ok) return checked;
  const evidence = evidenceOf(events);
  const again = evidence && (await answered(derive(evidence, nowMs, directory, policy)));
  switch (state.phase) {
    case 'assessed':
      return pendingAs(state, again);
    case 'granted':
      return grantedAs(state, again, lease !== undefined, reader, nowMs);
    case 'ungranted':
      return accepted({ state, ...endedAs(state, again) });
  }
}

/** Returns a refusal in place of what needs an answer that nobody can give now, so that one request does not fail a whole list. */
const answered = <T>(work: Promise<Result<T>>): Promise<Result<T>> =>
  work.catch((error: unknown) => {
    if (error instanceof AnswerAway) return refused('NOT_NOW', error.message);
    throw error;
  });

/** A request that waits is shown as its evidence leads to it, and not at all if the server says otherwise. */
function pendingAs(
  claimed: Extract<RequestState, { phase: 'assessed' }>,
  again: Result<Derived> | undefined,
): Result<Shown> {
  if (again === undefined) return unproved('its evidence is incomplete');
  if (!again.ok) return again;
  const { state, firstRefusal } = again.value;
  if (state === null || state.phase === 'unread')
    return refusedBy(firstRefusal ?? { code: 'NOT_AUTHORISED', detail: 'its evidence leads to nothing' });
  const goesOn = claimed.status === 'assessing' || (claimed.status === 'approved' && isDone(state));
  const isSame = state.status === claimed.status && state.phase === 'assessed';
  if (!goesOn && (!isSame || state.openStage !== claimed.openStage))
    return unproved(`the server says ${placeOf(claimed)}, its proof says ${placeOf(state)}`);
  const { refusals, refusalCount } = claimed;
  return accepted({
    state: { ...state, refusals, refusalCount },
    serverSays: refusalCount > 0 ? ['attempts'] : [],
  });
}

const isDone = (state: ReadState): boolean => state.status === 'provisioning';

const placeOf = (state: ReadState): string =>
  state.phase === 'assessed' && state.openStage !== undefined
    ? `${state.status} (${state.openStage})`
    : state.status;

/** Access is proved by the target, else by the ledger; else the evidence has to lead to it. */
async function grantedAs(
  state: GrantedState,
  again: Result<Derived> | undefined,
  isOnTarget: boolean,
  { grantOf, policy }: Reader,
  nowMs: number,
): Promise<Result<Shown>> {
  const { request } = state.submission;
  const entry = await grantOf?.(state.digest);
  if (!isOnTarget) {
    if (grantOf !== undefined && entry === undefined) return unproved('the ledger has no grant of it');
    if (grantOf === undefined) {
      if (again === undefined || !again.ok) return again ?? unproved('its evidence is incomplete');
      if (again.value.state?.status !== 'provisioning')
        return unproved(`its evidence leads to ${again.value.state?.status ?? 'nothing'}, not to a grant`);
    }
  }
  const today = again?.ok ? again.value.assessment : undefined;
  const shown = today === undefined ? state : { ...state, assessment: today };
  const reviewers = entry?.reviewers ?? (await policy.assess(request, nowMs)).reviewers;
  const serverSays: ServerWord[] = [
    ...(isOnTarget ? [] : (['access'] as const)),
    ...(state.status === 'active' ? [] : (['end'] as const)),
    ...(today === undefined ? (['assessment'] as const) : []),
    ...(state.refusalCount > 0 ? (['attempts'] as const) : []),
  ];
  const isReviewed = state.status !== 'active' && isReviewOwed(state);
  return accepted({
    state: shown,
    ...(isReviewed && { awaiting: reviewersOf({ ...shown, reviewers }) }),
    serverSays,
  });
}

/** What people signed is proved. What only the clock, policy of then or the target ended is the server's word. */
function endedAs(
  state: Extract<RequestState, { phase: 'ungranted' }>,
  again: Result<Derived> | undefined,
): Pick<Shown, 'serverSays'> {
  const isSigned = ['denied', 'cancelled', 'withdrawn'].includes(state.status);
  const isAssessed = assessmentOf(state) === undefined || again?.ok === true;
  return {
    serverSays: [
      ...(isSigned ? [] : (['end'] as const)),
      ...(isAssessed ? [] : (['assessment'] as const)),
      ...(state.refusalCount > 0 ? (['attempts'] as const) : []),
    ],
  };
}

function claimedBy(events: readonly DomainEvent[]): RequestState | undefined {
  try {
    return fold(events) ?? undefined;
  } catch {
    return undefined;
  }
}

function viewOf(state: RequestState): RequestView | undefined {
  const read = requestViewSchema.safeParse(snapshotOf(state));
  return read.success ? read.data : undefined;
}

const unproved = (detail: string) => refused('NOT_AUTHORISED', detail);
