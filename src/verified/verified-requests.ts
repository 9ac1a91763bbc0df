import { CountersignError } from '../client';
import type { RequestFilter } from '../contracts/listing';
import { AWAITING_MORE } from '../contracts/names';
import type { RequestRow } from '../contracts/snapshot';
import { withAskers } from '../domain/precedent-askers';
import type { PrincipalId } from '../domain/principal';
import { parseEntitlement } from '../domain/request';
import { assessmentOf } from '../domain/state';
import {
  type Belongs,
  type VerifiedList,
  VerifiedLister,
  type VerifiedRequestsOptions,
  type VerifiedRow,
} from './verified-list';
import { verifyWithReach } from './verified-rows';
import type { ProvedRequest, Reader, VerifiedRequest } from './verify-request';

export type { VerifiedList, VerifiedRow } from './verified-list';

/** What a list of requests can be searched by. */
export type SearchFilter = Pick<RequestFilter, 'concerning' | 'resource' | 'fromMs' | 'toMs'>;

/** Who governs looks for what is old as well as for what is new, so they are shown more than a page has. */
const MOST_WAITING = 1_000;

/** Reads requests from the server, and says of them only what can be derived from signatures, policy and targets. */
export class VerifiedRequests {
  readonly #lister: VerifiedLister;
  readonly #names = new WeakMap<VerifiedRequest, VerifiedRequest>();

  constructor(private readonly options: VerifiedRequestsOptions) {
    this.#lister = new VerifiedLister(options);
  }

  /**
   * Reads and verifies one request: its first event and its events. One that waits for people, and to whose history nothing was added
   * since it was verified a short while ago, is not verified anew.
   *
   * @throws CountersignError `NOT_FOUND`, `NOT_ANSWERING` or `UNREACHABLE`
   */
  async read(requestId: string): Promise<VerifiedRequest> {
    const { requests, reader } = this.options;
    // Before its events: what is added in between is seen the next time.
    const [run, now] = await Promise.all([requests.latestRun(requestId), reader()]);
    const known = await this.#lister.pending(requestId, run, now);
    if (known !== undefined) return this.#named(known, now);
    const [events, submission] = await Promise.all([
      requests.events(requestId),
      requests.submissionOf(requestId).catch(unreadable),
    ]);
    if (events.length === 0)
      throw new CountersignError('NOT_ANSWERING', `request ${requestId} is still being read`);
    const claim = { requestId, events, ...(submission && { submission }) };
    const verified = await verifyWithReach(claim, now, this.options.nowMs());
    this.#lister.keep(requestId, run, events, verified, now);
    return this.#named(verified, now);
  }

  /** What was named once is not named again while it is kept. */
  async #named(verified: VerifiedRequest, reader: Reader): Promise<VerifiedRequest> {
    const known = this.#names.get(verified);
    if (known !== undefined) return known;
    const named = await this.#withNames(verified, reader);
    this.#names.set(verified, named);
    return named;
  }

  /** Adds whose the precedents were. What can no longer be read, or does not verify, stays without a name. */
  async #withNames(verified: VerifiedRequest, { directory }: Reader): Promise<VerifiedRequest> {
    if (!verified.holds) return verified;
    const { view, request, state } = verified;
    const precedents = assessmentOf(state)?.precedents ?? [];
    if (view.assessment === undefined || precedents.length === 0) return verified;
    const submissionOf = (id: string) => this.options.requests.submissionOf(id).catch(() => undefined);
    const named = await withAskers(precedents, request, submissionOf, directory);
    return { ...verified, view: { ...view, assessment: { ...view.assessment, precedents: [...named] } } };
  }

  /**
   * Lists what waits for a person. A row is shown only if the request verifies, and its proof awaits this person.
   *
   * @throws CountersignError `UNREACHABLE` if the server cannot be reached
   */
  async awaiting(person: PrincipalId, limit = 200): Promise<VerifiedList> {
    const belongs: Belongs = ({ awaiting }, listed) => {
      if (awaiting.includes(person)) return 'yes';
      // The server cannot say whom this one awaits, so that it is listed for everybody.
      return listed.awaiting.includes(AWAITING_MORE) && !listed.awaiting.includes(person)
        ? 'no'
        : { why: 'its proof waits for somebody else' };
    };
    return this.#lister.list({ awaiting: person }, limit, belongs, true);
  }

  /** Lists what a person asked, newest first. @throws CountersignError `UNREACHABLE` if the server cannot be reached */
  async askedBy(person: PrincipalId, limit = 50): Promise<VerifiedList> {
    return this.#lister.list(
      { requester: person },
      limit,
      only(({ requester }) => requester === person),
    );
  }

  /** Lists the access that a person holds. @throws CountersignError `UNREACHABLE` if the server cannot be reached */
  async heldBy(person: PrincipalId, limit = 50): Promise<VerifiedList> {
    const holds = only(({ beneficiary, status }) => beneficiary === person && status === 'active');
    return this.#lister.list({ beneficiary: person, status: 'active' }, limit, holds, true);
  }

  /** Lists what waits for people, whoever they are. @throws CountersignError `UNREACHABLE` if the server cannot be reached */
  async waiting(limit = MOST_WAITING): Promise<VerifiedList> {
    const waits = only(({ status }) => status === 'awaiting_approval');
    return this.#lister.list({ status: 'awaiting_approval', running: true }, limit, waits, true);
  }

  /** Lists requests by whom they concern, what they are about and when they were started, newest first. */
  async search(filter: SearchFilter, limit = 100): Promise<VerifiedList> {
    const { concerning, resource } = filter;
    const matches = only(
      (row) =>
        (concerning === undefined || [row.requester, row.beneficiary].includes(concerning)) &&
        (resource === undefined || parseEntitlement(row.entitlement)?.resource === resource),
    );
    return this.#lister.list(filter, limit, matches);
  }

  /** Lists requests by their status, newest first. */
  async withStatus(status: RequestFilter['status'], limit: number): Promise<VerifiedList> {
    const filter = status === undefined ? {} : { status };
    return this.#lister.list(
      filter,
      limit,
      only((row) => status === undefined || row.status === status),
    );
  }

  /** Names the newest rows that the server lists. It is the server's word: good for seeing that a list has changed. */
  newest(filter: Omit<RequestFilter, 'limit'>): Promise<readonly string[]> {
    return this.#lister.newest(filter);
  }

  /**
   * Verifies one request that the server lists. Returns undefined if it does not hold, or if nothing answers for it.
   *
   * @throws CountersignError `UNREACHABLE` if the server, the ledger or a target that has to be asked cannot be reached
   */
  ofRow(row: RequestRow): Promise<ProvedRequest | undefined> {
    return this.#lister.ofRow(row);
  }

  /** Lists grants that owe a review. @throws CountersignError `UNREACHABLE` if the server cannot be reached */
  async owingReview(limit = MOST_WAITING): Promise<VerifiedList> {
    const owes = only(({ review }) => review === 'due' || review === 'overdue');
    return this.#lister.list({ reviewOwed: true }, limit, owes, true);
  }

  /**
   * Verifies what the server lists as waiting for anyone, and returns what does not hold or did not answer.
   *
   * @throws CountersignError `UNREACHABLE` if the server cannot be reached
   */
  async madeUp(): Promise<Pick<VerifiedList, 'withheld' | 'isWhole'>> {
    const filter = { status: 'awaiting_approval', running: true } as const;
    return this.#lister.list(filter, Number.POSITIVE_INFINITY, () => 'yes', true);
  }
}

/** What the server lists and its proof does not put there is told. */
const only =
  (matches: (row: VerifiedRow) => boolean): Belongs =>
  (row) =>
    matches(row) ? 'yes' : { why: 'its proof does not belong to this list' };

/** What cannot be read as a submission is compared with nothing; the events have to hold by themselves. */
function unreadable(error: unknown): undefined {
  if (error instanceof CountersignError && error.code === 'INVALID_REQUEST') return undefined;
  throw error;
}
