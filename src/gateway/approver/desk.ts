import { z } from 'zod';
import type { CountersignClient, RequestView } from '../../client';
import { requestDigest } from '../../domain/digest';
import { GOVERNANCE_ROLES, hasAnyRole, PROCESS_OWNER_ROLE } from '../../domain/principal';
import { entitlementName } from '../../domain/request';
import type { BundleSource, LoadedBundle } from '../../policy';
import type { Caller } from '../auth/caller';
import type { Log } from '../execution/report';
import { HttpProblem } from '../http/problem';
import { carrying } from '../requests/carrying';
import type { Authority } from '../requests/evidence';

export const statementBodySchema = z.object({
  format: z.literal('jws'),
  jws: z.string().max(16 * 1024),
});

export interface ApproversDeskOptions {
  readonly client: CountersignClient;
  readonly bundles: BundleSource<LoadedBundle>;
  readonly authority: () => Promise<Authority>;
  readonly log: Log;
  readonly nowMs: () => number;
}

/** The side of those who sign: what awaits them, what exactly it is, and carrying what they have signed. */
export class ApproversDesk {
  constructor(private readonly options: ApproversDeskOptions) {}

  async awaiting(caller: Caller) {
    const rows = await carrying(() => this.options.client.list({ awaiting: caller.principal, limit: 200 }));
    return {
      requests: rows.map(({ id, status, requester, beneficiary, entitlement, emergency, deadline }) => ({
        id,
        status,
        requester,
        beneficiary,
        entitlement,
        emergency,
        ...(deadline && { deadline: deadline.toISOString() }),
      })),
    };
  }

  /** A request as its signer has to see it: all of it, its digest as computed here, and what will happen. */
  async read(caller: Caller, id: string) {
    const view = await this.#viewFor(caller, id);
    const request = view.submission?.request;
    if (request === undefined) throw unknown();
    const { status, revision, openStage, awaiting, approvals, assessment, lease, execution, review } = view;
    const { book } = await this.options.bundles.current();
    const audience = book.catalog.entry(request.entitlement)?.grant['audience'];
    return {
      request,
      digest: requestDigest(request),
      status,
      revision,
      ...(openStage !== undefined && { stage: openStage }),
      awaiting,
      approvals: approvals.map(({ by, stage }) => ({ by, stage })),
      will_happen: willHappen(view),
      ...(assessment && {
        policy: {
          outcome: assessment.outcome,
          reason_codes: assessment.reasonCodes,
          explanation: assessment.explanation,
          determining_policies: assessment.determiningPolicies,
          policy_digest: assessment.policyDigest,
          ...(assessment.precedents && { precedents: assessment.precedents }),
          ...(assessment.flags && { flags: assessment.flags }),
        },
        ...(assessment.safeWay !== undefined && { safe_way: assessment.safeWay }),
      }),
      ...waiting(view),
      ...(view.ending !== undefined && { ending: view.ending }),
      ...((view.failure ?? view.rejection) && { failure: view.failure ?? view.rejection }),
      ...(lease && { account: lease.account, until: new Date(lease.expiresAtMs).toISOString() }),
      ...(audience !== undefined && { audience }),
      ...(view.barred !== undefined && { barred: view.barred }),
      ...(execution && { execution }),
      review: review.phase,
    };
  }

  /**
   * Carries a signed statement. Who carries it is of no weight: what it says is judged by its signature. But the caller may
   * read the request, or the signer has seen it: a stranger's would only fill the record of refusals, and show the stranger
   * that there is such a request. To strangers there is none.
   */
  async carry(caller: Caller, id: string, statement: z.output<typeof statementBodySchema>) {
    const { client, log } = this.options;
    const view = await carrying(() => client.get(id), unknown());
    if (!(await this.#mayRead(caller, view)) && !(await this.#isBySomeoneWhoSaw(view, statement))) {
      log.warn({ request: id, caller: caller.principal }, 'the statement of a stranger was not carried');
      throw unknown();
    }
    const verdict = await carrying(() => client.sendStatement(id, statement), unknown());
    const { accepted, refusal, status, revision } = verdict;
    return { accepted, ...(refusal && { refusal }), status, revision };
  }

  /** Whether it is signed, and names the digest of the request: nobody knows that who was not shown it. */
  async #isBySomeoneWhoSaw(
    { submission }: RequestView,
    statement: z.output<typeof statementBodySchema>,
  ): Promise<boolean> {
    if (submission === undefined) return false;
    const { authority, nowMs } = this.options;
    const { directory } = await authority();
    const check = await directory.authenticateStatement(statement, nowMs());
    if (!check.verified) return false;
    const { request, digest } = check.facts.statement;
    return request === submission.request.id && digest === requestDigest(submission.request);
  }

  async #viewFor(caller: Caller, id: string): Promise<RequestView> {
    const view = await carrying(() => this.options.client.get(id), unknown());
    return (await this.#mayRead(caller, view)) ? view : Promise.reject(unknown());
  }

  async #mayRead(
    { principal }: Caller,
    { submission, assessment, awaiting, reroutes }: RequestView,
  ): Promise<boolean> {
    const request = submission?.request;
    if (request === undefined) return false;
    const { requester, beneficiary, onBehalfOf } = request;
    const stages = assessment?.path?.stages ?? [];
    const involved = [
      requester,
      beneficiary,
      ...onBehalfOf,
      ...awaiting,
      ...stages.flatMap((stage) => stage.eligible),
      ...reroutes.flatMap((one) => [one.by, one.with, one.replace]),
    ];
    if (involved.includes(principal)) return true;
    const { book } = await this.options.bundles.current();
    const answersFor = [requester, beneficiary].some((id) => {
      const identity = book.directory.identity(id);
      return identity?.owner === principal || identity?.sponsor === principal;
    });
    const standing = book.directory.standingOf(principal, this.options.nowMs());
    const governs =
      standing?.active === true && hasAnyRole(standing, [...GOVERNANCE_ROLES, PROCESS_OWNER_ROLE]);
    return answersFor || governs;
  }
}

const unknown = () => new HttpProblem(404, 'there is no such request for you');

/** Since when someone is awaited, and what time does next. */
function waiting({ stageOpenedAtMs, openStage, nextDeadline }: RequestView) {
  return {
    ...(openStage !== undefined &&
      stageOpenedAtMs && { waiting_since: new Date(stageOpenedAtMs).toISOString() }),
    ...(nextDeadline && {
      next: { what: nextDeadline.summary, at: new Date(nextDeadline.atMs).toISOString() },
    }),
  };
}

/** What follows from a yes, in sentences. Built from the request alone, never from a requester's own summary. */
function willHappen({ submission }: RequestView): readonly string[] {
  const request = submission?.request;
  if (request === undefined) return [];
  const { beneficiary, entitlement, parameters, durationMs, containment, rollback } = request;
  const minutes = Math.ceil(durationMs / 60_000);
  if (parameters === undefined)
    return [`${beneficiary} gets ${entitlementName(entitlement)} for ${minutes} minutes; it ends by itself.`];
  return [
    `${parameters.tool} (version ${parameters.toolVersion}) is run once on ${parameters.target}, with exactly the arguments shown, for ${beneficiary}.`,
    `It has to begin and end within ${minutes} minutes.`,
    `To contain it: ${plan(containment)}`,
    `To roll it back: ${plan(rollback)}`,
  ];
}

/** A plan as one sentence: none of its lines passes for one of ours. */
const plan = (text = 'nothing was said'): string => text.replace(/\s+/g, ' ');
