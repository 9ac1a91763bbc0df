import type { CountersignClient, Submission } from '../../client';
import { entitlementName } from '../../domain/request';
import type { BundleSource, CatalogEntry, LoadedBundle, PolicyBook } from '../../policy';
import type { Caller } from '../auth/caller';
import { HttpProblem } from '../http/problem';
import { type DecisionPoint, emergencyWays } from '../pdp/decide';
import type { Evaluation } from '../pdp/entities';
import { subjectOf } from '../pdp/mapping';
import { carrying } from './carrying';

/** Any ticket at all: whether policy wants one is seen by what it says with and without. */
const SOME_TICKET = 'ANY-1';

/** For those who sign their requests themselves: what they can ask for, and carrying what they have signed. */
export class OwnRequests {
  constructor(
    private readonly client: CountersignClient,
    private readonly bundles: BundleSource<LoadedBundle>,
    private readonly decisions: DecisionPoint,
    private readonly nowMs: () => number,
  ) {}

  /**
   * Starts a request as it was signed. The signature is judged where every submission is; that the caller is its requester
   * keeps others from filling queues in somebody's name.
   */
  async carry(caller: Caller, submission: Submission): Promise<Readonly<Record<string, unknown>>> {
    if (submission.request.requester !== caller.principal)
      throw new HttpProblem(403, 'a request is carried for its requester and nobody else');
    return { id: await carrying(() => this.client.submit(submission)) };
  }

  /** What policy would say to the caller now, for everything in the catalog that it would not simply refuse. */
  async requestable(caller: Caller) {
    const { book } = await this.bundles.current();
    return { requestable: book.catalog.entries().flatMap((entry) => this.#answerTo(book, caller, entry)) };
  }

  #answerTo(book: PolicyBook, caller: Caller, entry: CatalogEntry) {
    const about = { entitlement: entitlementName(entry.entitlement), kind: entry.kind, title: entry.title };
    const plain = this.#assess(book, caller, entry, undefined);
    if (plain === undefined) return [];
    if (plain.assessment.outcome === 'hard_stop') {
      const { safeWay } = plain.assessment;
      return [{ ...about, answer: 'never', ...(safeWay !== undefined && { safe_way: safeWay }) }];
    }
    const answer = answerOf(plain.assessment.outcome);
    if (answer !== undefined) return [{ ...about, answer }];
    const ticketed = this.#assess(book, caller, entry, SOME_TICKET);
    const withTicket = ticketed && answerOf(ticketed.assessment.outcome);
    if (withTicket !== undefined) return [{ ...about, answer: withTicket, needs_ticket: true }];
    const conditions = ticketed === undefined ? [] : emergencyWays(book, ticketed.request, this.nowMs());
    if (conditions.length === 0) return [];
    return [{ ...about, answer: 'in_emergency', needs_ticket: true, emergency_conditions: conditions }];
  }

  #assess(book: PolicyBook, caller: Caller, { entitlement }: CatalogEntry, ticket: string | undefined) {
    const [kind = ''] = caller.principal.split('/');
    const subject = subjectOf(caller.principal, kind);
    if (subject === undefined) return undefined;
    const evaluation: Evaluation = {
      subject,
      action: { name: entitlement.action },
      resource: { type: entitlement.connector, id: entitlement.resource },
      ...(ticket !== undefined && { context: { ticket } }),
    };
    return this.decisions.assess(book, caller, evaluation);
  }
}

function answerOf(outcome: string): 'by_policy' | 'after_approval' | undefined {
  if (outcome === 'permit') return 'by_policy';
  return outcome === 'approve' ? 'after_approval' : undefined;
}
