import type { z } from 'zod';
import {
  type CountersignClient,
  type StatementAnswerView,
  type Submission,
  signStatement,
} from '../../client';
import { newRequestSchema } from '../../contracts/request';
import type { Assessment } from '../../domain/assessment';
import { requestDigest } from '../../domain/digest';
import { entitlementName } from '../../domain/request';
import {
  type BundleSource,
  type CatalogEntry,
  type LoadedBundle,
  type PolicyContext,
  samplesFor,
} from '../../policy';
import type { Caller } from '../auth/caller';
import { HttpProblem } from '../http/problem';
import type { GatewayKeys } from '../keys';
import { type DecisionPoint, emergencyConditionsFor, SOME_TICKET } from '../pdp/decide';
import type { Evaluation } from '../pdp/entities';
import { nativeSubject } from '../pdp/names';
import { YieldingLoop } from '../pdp/yielding';
import { attest } from './attest';
import { carrying } from './carrying';

const STATEMENT_LIFE_MS = 3_600_000;

/** What a caller asks for itself. Its token says who asks, for whom and on whose behalf, so the body does not. */
export const askSchema = newRequestSchema.omit({
  requester: true,
  beneficiary: true,
  onBehalfOf: true,
  presented: true,
  submittedAtMs: true,
});

export interface OwnRequestsOptions {
  readonly client: CountersignClient;
  readonly bundles: BundleSource<LoadedBundle>;
  readonly decisions: DecisionPoint;
  readonly keys: GatewayKeys;
  /** The identity whose registered key attests. */
  readonly recorder: string;
  readonly nowMs: () => number;
}

/** A caller's own requests: lists what it can request, submits, gives back. */
export class OwnRequests {
  readonly #loop = new YieldingLoop();

  constructor(private readonly options: OwnRequestsOptions) {}

  /**
   * Submits a request that its requester signed. The workflow verifies the signature. The caller must be the requester, so that
   * nobody can fill queues in another's name.
   */
  async carry(caller: Caller, submission: Submission): Promise<Readonly<Record<string, unknown>>> {
    if (submission.request.requester !== caller.principal)
      throw new HttpProblem(403, 'you can submit only requests of which you are the requester');
    return { id: await carrying(() => this.options.client.submit(submission)) };
  }

  /** Submits a request for a caller with a token and no key. The gateway attests who asked, and nothing more. */
  async ask(caller: Caller, asked: z.output<typeof askSchema>): Promise<Readonly<Record<string, unknown>>> {
    const { client, keys, recorder, nowMs } = this.options;
    const atMs = nowMs();
    const { principal, onBehalfOf, via } = caller;
    const parties = { requester: principal, beneficiary: principal, onBehalfOf: [...onBehalfOf] };
    const request = { ...asked, ...parties, submittedAtMs: atMs };
    const submission = await attest(request, { iss: recorder, via }, keys.attestation, atMs);
    return { id: await carrying(() => client.submit(submission)) };
  }

  /** Withdraws the caller's own request or gives back its grant. It can only take access away from the caller. */
  async end(caller: Pick<Caller, 'principal'>, id: string): Promise<StatementAnswerView> {
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

  /** Lists the catalog entries that policy would not simply refuse to the caller now, with what it would answer. */
  async requestable(caller: Caller) {
    const { context } = await this.options.bundles.current();
    const entries = context.catalog.entries();
    return {
      requestable: await this.#loop.flatMap(entries, (entry) => this.#answerTo(context, caller, entry)),
    };
  }

  #answerTo(context: PolicyContext, caller: Caller, entry: CatalogEntry) {
    const isByArguments = samplesFor(context.engine, entry.entitlement.action).length > 1;
    const about = {
      ...{ entitlement: entitlementName(entry.entitlement), kind: entry.kind, title: entry.title },
      ...(isByArguments && { depends_on_arguments: true }),
    };
    const plain = this.#assess(context, caller, entry, undefined);
    if (plain === undefined) return [];
    if (plain.assessment.outcome === 'hard_stop') {
      const { safeWay } = plain.assessment;
      return [{ ...about, answer: 'never', ...(safeWay !== undefined && { safe_way: safeWay }) }];
    }
    const answer = answerOf(plain.assessment.outcome);
    if (answer !== undefined) return [{ ...about, answer, ...termsOf(plain.assessment) }];
    const ticketed = this.#assess(context, caller, entry, SOME_TICKET);
    const withTicket = ticketed && answerOf(ticketed.assessment.outcome);
    if (ticketed !== undefined && withTicket !== undefined)
      return [{ ...about, answer: withTicket, needs_ticket: true, ...termsOf(ticketed.assessment) }];
    const conditions =
      ticketed === undefined ? [] : emergencyConditionsFor(context, ticketed.request, this.options.nowMs());
    if (conditions.length === 0) return [];
    return [{ ...about, answer: 'in_emergency', needs_ticket: true, emergency_conditions: conditions }];
  }

  /** Assesses it with the arguments for which policy asks least, because the exact ones are not known yet. */
  #assess(context: PolicyContext, caller: Caller, { entitlement }: CatalogEntry, ticket: string | undefined) {
    const [kind = ''] = caller.principal.split('/');
    const subject = nativeSubject(caller.principal, kind);
    if (subject === undefined) return undefined;
    const answers = samplesFor(context.engine, entitlement.action).flatMap((given) => {
      const evaluation: Evaluation = {
        subject,
        action: { name: entitlement.action, properties: { arguments: given } },
        resource: { type: entitlement.connector, id: entitlement.resource },
        ...(ticket !== undefined && { context: { ticket } }),
      };
      return this.options.decisions.assess(context, caller, evaluation) ?? [];
    });
    const byOutcome = (outcome: string) => answers.find(({ assessment }) => assessment.outcome === outcome);
    return byOutcome('permit') ?? byOutcome('approve') ?? answers[0];
  }
}

function answerOf(outcome: string): 'by_policy' | 'after_approval' | undefined {
  if (outcome === 'permit') return 'by_policy';
  return outcome === 'approve' ? 'after_approval' : undefined;
}

/** Who would decide, by groups and not by name, and for how long it could be given. */
function termsOf({ path, confirmation, maxDurationMs }: Assessment) {
  const stages = path?.stages.map(
    ({ name, quorum, groups, eligible }) =>
      `${name}: ${quorum} of ${eligible.length} in ${groups.join(', ')}`,
  );
  const confirmed = confirmation === undefined ? [] : [`confirmed by ${confirmation.by.join(' or ')}`];
  return { decided_by: [...(stages ?? ['policy alone']), ...confirmed], longest_ms: maxDurationMs };
}
