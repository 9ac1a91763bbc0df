import { type CountersignClient, CountersignError } from '../client';
import type { RequestFilter } from '../contracts/listing';
import type { RequestRow, RequestView } from '../contracts/snapshot';
import type { DomainEvent } from '../domain/event';
import { entitlementName } from '../domain/request';
import { FairWork } from './fair-work';
import { type Signed, SignedRows } from './signed-rows';
import { type Run, VerifiedRows } from './verified-rows';
import type { ProvedRequest, Reader, VerifiedRequest } from './verify-request';

/** How many requests are read from the server at once, in all and of one requester, and for how long one list is worked on. */
const AT_ONCE = 16;
const OF_ONE_AT_ONCE = 4;
const LIST_WITHIN_MS = 5_000;
/** How many of the server's newest rows a list names, for a page to see that the list has changed. */
const NEWEST = 200;

/** One row of a list, made from what was derived. */
export interface VerifiedRow extends RequestRow {
  /** True if nobody answered in time, so that governance may step in. */
  readonly isStalled: boolean;
  /** True if a change of the path awaits a second governor. */
  readonly awaitsEndorsement: boolean;
  readonly review: RequestView['review']['phase'];
}

/** A row that the server lists and that is not shown, because it does not hold or could not be verified. */
interface WithheldRow {
  readonly id: string;
  readonly why: string;
  /** What the server lists. Show it only with a mark that it is not proved. */
  readonly listed: RequestRow;
  /** True if nothing answered for it, so that it could be verified neither way. */
  readonly isSilent?: true;
}

interface Withholding {
  readonly holds: false;
  readonly withheld: WithheldRow;
}

type Reason = Pick<WithheldRow, 'why' | 'isSilent'>;

export interface VerifiedList {
  /** Made from what was derived, not from what the server lists. Newest first. */
  readonly rows: readonly VerifiedRow[];
  /** What each row was made from, by its id. */
  readonly proved: ReadonlyMap<string, ProvedRequest>;
  /** Tell operators. */
  readonly withheld: readonly WithheldRow[];
  /** False if the time was over before all that the server lists was looked at. The next look finds the rest sooner. */
  readonly isWhole: boolean;
  /** True if the server lists more than the list may have. What is in it is the newest. */
  readonly hasMore: boolean;
  /** The ids of the newest rows that the server lists. */
  readonly newest: readonly string[];
}

/** Whether a row that holds belongs to the list: a reason if it does not, although the server lists it there. */
export type Belongs = (row: VerifiedRow, listed: RequestRow) => 'yes' | 'no' | { readonly why: string };

export interface VerifiedRequestsOptions {
  readonly requests: Pick<
    CountersignClient,
    'rows' | 'events' | 'submissionOf' | 'historyLength' | 'latestRun'
  >;
  /** The reader of this moment. A new version of directory or policy makes what was verified before count no more. */
  readonly reader: () => Promise<Reader>;
  readonly nowMs: () => number;
  /** How long one list is worked on. Default: five seconds. */
  readonly withinMs?: number;
}

/**
 * Goes through what the server lists until it has enough true rows or its time is over. It verifies submissions first, which
 * takes no worker, and then reads what is signed, for each requester in turns. So what a stranger makes up cannot push true
 * requests out of a list, and what one requester makes up cannot push out those of others.
 */
export class VerifiedLister {
  readonly #rows: VerifiedRows;
  readonly #signed: SignedRows;

  constructor(private readonly options: VerifiedRequestsOptions) {
    this.#rows = new VerifiedRows(options.requests, options.nowMs);
    this.#signed = new SignedRows(options.requests, options.nowMs);
  }

  /**
   * Lists requests that verify and belong to the list, newest first.
   *
   * @param areSigned true if all that belongs to the list has a submission that verifies, so that nothing else is read
   */
  async list(
    filter: Omit<RequestFilter, 'limit'>,
    limit: number,
    belongs: Belongs,
    areSigned = false,
  ): Promise<VerifiedList> {
    const { withinMs = LIST_WITHIN_MS } = this.options;
    const untilMs = Date.now() + withinMs;
    const reader = await this.options.reader();
    const listed: RequestRow[] = [];
    const found = new Map<string, VerifiedRow | WithheldRow>();
    const proved = new Map<string, ProvedRequest>();
    const left = new Set<string>();
    const reading = new FairWork(AT_ONCE, OF_ONE_AT_ONCE);
    let holding = 0;
    let isListed = false;
    const isEnough = () => holding >= limit || Date.now() >= untilMs;
    const judge = async (row: RequestRow, signed: Signed) => {
      if (isEnough()) return;
      const outcome = await this.#outcomeOf(row, signed, reader);
      if (!outcome.holds) {
        found.set(row.id, outcome.withheld);
        return;
      }
      const shown = rowFrom(outcome, row);
      const belonging = belongs(shown, row);
      if (belonging === 'no') left.add(row.id);
      else if (belonging !== 'yes') found.set(row.id, withhold(row, belonging));
      else {
        found.set(row.id, shown);
        proved.set(row.id, outcome);
        holding += 1;
      }
    };
    const source = this.options.requests.rows(filter);
    const recognise = async () => {
      for (let next = await source.next(); !isEnough(); next = await source.next()) {
        if (next.done === true) {
          isListed = true;
          return;
        }
        const row = next.value;
        listed.push(row);
        const signed = await this.#signed.of(row, reader.directory);
        if ('why' in signed && (areSigned || signed.isSilent)) found.set(row.id, withhold(row, signed));
        else reading.add('by' in signed ? signed.by : '', () => judge(row, signed));
      }
    };
    const atWork = Promise.all(Array.from({ length: AT_ONCE }, recognise)).then(() => reading.idle());
    await Promise.race([atWork, after(withinMs)]);
    reading.stop();
    atWork.catch(() => undefined);
    return { proved, ...summaryOf(listed, found, left, limit, isListed) };
  }

  /** Returns what was verified of a request that still waits for people in this very state, if that was a short while ago. */
  async pending(id: string, run: Run, reader: Reader): Promise<ProvedRequest | undefined> {
    const known = this.#rows.pending(id, run, reader);
    if (known === undefined) return undefined;
    const signed = await this.#signed.of({ id, runId: run.runId }, reader.directory);
    return 'by' in signed && signed.digest === known.digest ? known : undefined;
  }

  /** Keeps what was verified of one request, for `pending`. */
  keep(
    id: string,
    run: Run,
    events: readonly DomainEvent[],
    verified: VerifiedRequest,
    reader: Reader,
  ): void {
    this.#rows.keep(id, run, events, verified, reader);
  }

  /** @throws CountersignError `UNREACHABLE` if the server, the ledger or a target that has to be asked cannot be reached */
  async ofRow(row: RequestRow): Promise<ProvedRequest | undefined> {
    const outcome = await this.#outcomeOf(row, undefined, await this.options.reader());
    return outcome.holds ? outcome : undefined;
  }

  async #outcomeOf(
    row: RequestRow,
    signed: Signed | undefined,
    reader: Reader,
  ): Promise<ProvedRequest | Withholding> {
    const withheld = (reason: Reason): Withholding => ({ holds: false, withheld: withhold(row, reason) });
    try {
      const verified = await this.#rows.of(row, reader);
      if (!verified.holds) return withheld({ why: verified.refusal.detail });
      if (signed !== undefined && 'by' in signed && signed.digest !== verified.digest)
        return withheld({ why: 'what was submitted is not what its events are about' });
      return verified;
    } catch (error) {
      if (error instanceof CountersignError && error.code !== 'UNREACHABLE')
        return withheld({ why: error.message, isSilent: true });
      throw error;
    }
  }

  async newest(filter: Omit<RequestFilter, 'limit'>): Promise<readonly string[]> {
    const ids: string[] = [];
    for await (const { id } of this.options.requests.rows(filter)) {
      ids.push(id);
      if (ids.length >= NEWEST) break;
    }
    return ids;
  }
}

const withhold = (listed: RequestRow, { why, isSilent }: Reason): WithheldRow => ({
  id: listed.id,
  why,
  listed,
  ...(isSilent && { isSilent }),
});

/** Puts together what was found, in the order of the server's list. What did not answer in time was not judged. */
function summaryOf(
  listed: readonly RequestRow[],
  found: ReadonlyMap<string, VerifiedRow | WithheldRow>,
  left: ReadonlySet<string>,
  limit: number,
  isListed: boolean,
): Omit<VerifiedList, 'proved'> {
  const rows: VerifiedRow[] = [];
  const withheld: WithheldRow[] = [];
  for (const row of listed) {
    if (left.has(row.id)) continue;
    const one = found.get(row.id) ?? withhold(row, { why: 'no answer in time', isSilent: true });
    if ('why' in one) withheld.push(one);
    else if (rows.length < limit) rows.push(one);
  }
  const newest = listed.slice(0, NEWEST).map(({ id }) => id);
  const isFull = rows.length >= limit;
  return { rows, withheld, isWhole: isListed || isFull, hasMore: isFull && !isListed, newest };
}

function rowFrom({ request, view }: ProvedRequest, { runId, startedAt, broken }: RequestRow): VerifiedRow {
  const { nextDeadline, lease, reroutes, switches = [], review } = view;
  return {
    id: request.id,
    basis: 'derived',
    ...(runId !== undefined && { runId }),
    ...(startedAt && { startedAt }),
    ...(broken && { broken }),
    status: view.status,
    requester: request.requester,
    beneficiary: request.beneficiary,
    entitlement: entitlementName(request.entitlement),
    awaiting: view.awaiting,
    ...(nextDeadline && { deadline: new Date(nextDeadline.atMs) }),
    ...(lease && { expiresAt: new Date(lease.expiresAtMs) }),
    emergency: request.emergency,
    isStalled: view.escalated === true,
    awaitsEndorsement: [...reroutes, ...switches].some(({ phase }) => phase === 'proposed'),
    review: review.phase,
  };
}

const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms).unref());
