import { setTimeout as sleep } from 'node:timers/promises';
import { digestOf } from '../domain/digest';
import { parseEntitlement, type SignedEnvelope, type Submission } from '../domain/request';
import type { Caller } from '../gateway/auth/caller';
import type { Gateway } from '../gateway/gateway';
import { HttpProblem } from '../gateway/http/problem';
import { carrying } from '../gateway/requests/carrying';
import type { SearchFilter, VerifiedList } from '../verified/verified-requests';
import type { ProvedRequest } from '../verified/verify-request';
import type { EvidenceDownloads } from './evidence';
import { FrictionCount } from './friction-count';
import { RecentLists } from './recent-lists';
import type { Visitor } from './sessions';

/** A request that was submitted a moment ago cannot be read before a worker has begun with it. */
const READABLE_TRIES = 20;
const READABLE_PAUSE_MS = 150;

/** An enrolled passkey, as the register has it. */
export type Key = Awaited<ReturnType<NonNullable<Gateway['enrolment']>['keys']>>[number];

/** An entitlement that a person could ask for, with what policy would answer. */
export type Requestable = Awaited<ReturnType<Gateway['ownRequests']['requestable']>>['requestable'][number];

/** What the pages read, for one person at a time: only what verifies, and only what this person may see. */
export class PageService {
  readonly friction: FrictionCount;
  readonly #lists: RecentLists;

  constructor(
    readonly gateway: Gateway,
    /** Undefined if this gateway gives out no evidence. */
    readonly evidence?: EvidenceDownloads,
  ) {
    this.friction = new FrictionCount(gateway);
    this.#lists = new RecentLists(gateway.nowMs);
  }

  /**
   * Reads a request for a page.
   *
   * @throws HttpProblem 404 if there is none that this person may see, 409 if there is one and it does not hold, 410 if
   *   its workflow is gone
   */
  async read({ person }: Visitor, id: string): Promise<ProvedRequest> {
    const read = await this.gateway.approverRequests.verifiedFor(person, id);
    if (read.holds) return read;
    throw new HttpProblem(409, `what the server says of this request is not proved: ${read.refusal.detail}`);
  }

  /** Says what became of a request whose workflow was ended from outside, or undefined if it was not. */
  async goneOf({ person }: Visitor, id: string, read: ProvedRequest): Promise<string | undefined> {
    return (await this.gateway.approverRequests.gone({ principal: person }, id, read))?.says;
  }

  /** Returns a function that gives the title that the catalog has for an entitlement's name. */
  async titles(): Promise<(entitlement: string) => string | undefined> {
    const { context } = await this.gateway.bundles.current();
    return (name) => {
      const entitlement = parseEntitlement(name);
      return entitlement && context.catalog.entry(entitlement)?.title;
    };
  }

  /** Lists what waits for this person, by the proof of each request. */
  awaiting({ person }: Visitor): Promise<VerifiedList> {
    return this.#list(awaitingOf(person), (verified) => verified.awaiting(person));
  }

  /** Lists what waits for people, for a governor. */
  waiting(): Promise<VerifiedList> {
    return this.#list('waiting', (verified) => verified.waiting());
  }

  /** Lists grants that owe a review, for a governor. */
  owingReview(): Promise<VerifiedList> {
    return this.#list('owing review', (verified) => verified.owingReview());
  }

  /** Searches all requests, for a governor. */
  search(filter: SearchFilter): Promise<VerifiedList> {
    return this.#list(`search ${JSON.stringify(filter)}`, (verified) => verified.search(filter));
  }

  /** Lists what this person asked, newest first. */
  askedBy({ person }: Visitor): Promise<VerifiedList> {
    return this.#list(`asked by ${person}`, (verified) => verified.askedBy(person));
  }

  /** Lists what this person holds now. */
  heldBy({ person }: Visitor): Promise<VerifiedList> {
    return this.#list(`held by ${person}`, (verified) => verified.heldBy(person));
  }

  /** Carries what this person signed to the request. The answer is the workflow's, a refusal too. */
  async carry({ person }: Visitor, id: string, statement: SignedEnvelope) {
    const answer = await this.gateway.approverRequests.carry({ principal: person }, id, statement);
    this.#lists.forget();
    return answer;
  }

  /** Lists this person's enrolled passkeys. Returns undefined if this gateway has no register of them. */
  async keysOf({ person }: Visitor): Promise<readonly Key[] | undefined> {
    return this.gateway.enrolment?.keys(person);
  }

  /** Lists the passkeys of others that await a second governor. */
  async keysToEndorse({ person }: Visitor): Promise<readonly Key[]> {
    const keys = (await this.gateway.enrolment?.keys()) ?? [];
    return keys.filter((one) => one.state === 'awaits-endorsement' && one.person !== person);
  }

  /** Lists what policy would not simply refuse to this person now. */
  async requestable(visitor: Visitor): Promise<readonly Requestable[]> {
    return (await this.gateway.ownRequests.requestable(callerOf(visitor))).requestable;
  }

  /** Submits what this person signed, and waits until it can be looked at. Returns its id. */
  async submit(visitor: Visitor, submission: Submission): Promise<string> {
    await this.gateway.ownRequests.carry(callerOf(visitor), submission);
    this.#lists.forget();
    const { id } = submission.request;
    for (let tries = 0; tries < READABLE_TRIES; tries += 1) {
      const read = await carrying(() => this.gateway.verified.read(id), 'NOT_ANSWERING');
      if (read !== undefined) break;
      await sleep(READABLE_PAUSE_MS);
    }
    return id;
  }

  /** Returns what changes when a request does. It is the server's word: good for looking again, and for nothing else. */
  async hintOf(id: string): Promise<string> {
    return String((await this.gateway.client.events(id)).length);
  }

  /** Returns what changes when a list of what waits for somebody does. */
  async hintOfAwaiting({ person }: Visitor): Promise<string> {
    const hint = listHint(await this.gateway.verified.newest({ awaiting: person }));
    const name = await this.#nameOf(awaitingOf(person));
    const shown = this.#lists.last(name);
    if (shown !== undefined && listHint(shown.newest) !== hint) this.#lists.forget(name);
    return hint;
  }

  /** Lists are made by one version of directory and policy, and shown for as long as it is in force. */
  async #nameOf(list: string): Promise<string> {
    const { directory, policy } = await this.gateway.bundles.current();
    return JSON.stringify([directory.digest, policy.digest, list]);
  }

  async #list(
    name: string,
    make: (verified: Gateway['verified']) => Promise<VerifiedList>,
  ): Promise<VerifiedList> {
    return this.#lists.of(await this.#nameOf(name), () => carrying(() => make(this.gateway.verified)));
  }
}

const awaitingOf = (person: string): string => `awaiting ${person}`;

/** Returns a short text that differs for lists of different requests. */
export const listHint = (ids: readonly string[]): string => digestOf(ids.toSorted()).slice(8, 30);

/** This person as the gateway's other parts know a caller: by a session of these pages, for nobody else. */
function callerOf({ person, passkey, seen, untilMs }: Visitor): Caller {
  const via = {
    issuer: passkey?.origin ?? seen?.issuer ?? '',
    subject: seen?.subject ?? person,
    token: digestOf(passkey?.keyId ?? seen?.subject ?? ''),
  };
  return { principal: person, onBehalfOf: [], via, chain: [via], expiresAtMs: untilMs };
}
