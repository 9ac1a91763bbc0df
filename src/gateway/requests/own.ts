import type { z } from 'zod';
import {
  type CountersignClient,
  type StatementVerdictView,
  type Submission,
  signStatement,
} from '../../client';
import { newRequestSchema } from '../../contracts/request';
import { requestDigest } from '../../domain/digest';
import { entitlementName } from '../../domain/request';
import type { BundleSource, CatalogEntry, LoadedBundle, PolicyBook } from '../../policy';
import type { Caller } from '../auth/caller';
import { HttpProblem } from '../http/problem';
import type { GatewayKeys } from '../keys';
import { type DecisionPoint, emergencyWays } from '../pdp/decide';
import type { Evaluation } from '../pdp/entities';
import { subjectOf } from '../pdp/mapping';
import { Turns } from '../pdp/turns';
import { attest } from './attest';
import { carrying } from './carrying';

/** Any ticket at all: whether policy wants one is seen by what it says with and without. */
const SOME_TICKET = 'ANY-1';

const STATEMENT_LIFE_MS = 3_600_000;

/** What a caller asks for itself. Who asks, for whom and on whose behalf is what its token says, so it is not said here. */
export const askSchema = newRequestSchema.omit({
  requester: true,
  beneficiary: true,
  onBehalfOf: true,
  submittedAtMs: true,
});

export interface OwnRequestsOptions {
  readonly client: CountersignClient;
  readonly bundles: BundleSource<LoadedBundle>;
  readonly decisions: DecisionPoint;
  readonly keys: GatewayKeys;
  /** Identity whose registered key attests. */
  readonly recorder: string;
  readonly nowMs: () => number;
}

/** The requests of a caller's own: what it can ask for, asking, and giving back. With a key of its own it signs them itself. */
export class OwnRequests {
  readonly #turns = new Turns();

  constructor(private readonly options: OwnRequestsOptions) {}

  /**
   * Starts a request as it was signed. The signature is judged where every submission is; that the caller is its requester
   * keeps others from filling queues in somebody's name.
   */
  async carry(caller: Caller, submission: Submission): Promise<Readonly<Record<string, unknown>>> {
    if (submission.request.requester !== caller.principal)
      throw new HttpProblem(403, 'a request is carried for its requester and nobody else');
    return { id: await carrying(() => this.options.client.submit(submission)) };
  }

  /** Asks for a caller that has a token and no key: the gateway attests who asked, and nothing more. */
  async ask(caller: Caller, asked: z.output<typeof askSchema>): Promise<Readonly<Record<string, unknown>>> {
    const { client, keys, recorder, nowMs } = this.options;
    const atMs = nowMs();
    const { principal, onBehalfOf, via } = caller;
    const parties = { requester: principal, beneficiary: principal, onBehalfOf: [...onBehalfOf] };
    const request = { ...asked, ...parties, submittedAtMs: atMs };
    const submission = await attest(request, { iss: recorder, via }, keys.attestation, atMs);
    return { id: await carrying(() => client.submit(submission)) };
  }

  /** Ends a caller's own request, wherever it stands. It can only take away from the caller itself. */
  async end(caller: Caller, id: string): Promise<StatementVerdictView> {
    const { client, keys, recorder, nowMs } = this.options;
    const unknown = new HttpProblem(404, 'there is no such request for you');
    const { submission, status } = await carrying(() => client.get(id), unknown);
    const request = submission?.request;
    if (request?.requester !== caller.principal) throw unknown;
    const draft = {
      verb: status === 'active' ? ('revoke' as const) : ('withdraw' as const),
      request: id,
      digest: requestDigest(request),
      revision: 0,
      reporter: caller.principal,
    };
    const times = { nowMs: nowMs(), lifeMs: STATEMENT_LIFE_MS };
    const statement = await signStatement(draft, recorder, keys.attestation, times);
    return carrying(() => client.sendStatement(id, statement), unknown);
  }

  /** What policy would say to the caller now, for everything in the catalog that it would not simply refuse. */
  async requestable(caller: Caller) {
    const { book } = await this.options.bundles.current();
    const entries = book.catalog.entries();
    return {
      requestable: await this.#turns.flatMap(entries, (entry) => this.#answerTo(book, caller, entry)),
    };
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
    const conditions =
      ticketed === undefined ? [] : emergencyWays(book, ticketed.request, this.options.nowMs());
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
    return this.options.decisions.assess(book, caller, evaluation);
  }
}

function answerOf(outcome: string): 'by_policy' | 'after_approval' | undefined {
  if (outcome === 'permit') return 'by_policy';
  return outcome === 'approve' ? 'after_approval' : undefined;
}
