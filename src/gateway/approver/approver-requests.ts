import type { CountersignClient, RequestView } from '../../client';
import type { Logger } from '../../contracts/logger';
import { type Quorum, quorumIn } from '../../contracts/progress';
import { remedyOnWire } from '../../contracts/remedy';
import { inSentence } from '../../domain/characters';
import { requestDigest } from '../../domain/digest';
import type { Authority } from '../../domain/ports';
import { GOVERNANCE_ROLES, hasAnyRole, PROCESS_OWNER_ROLE, type PrincipalId } from '../../domain/principal';
import { entitlementName, type SignedEnvelope } from '../../domain/request';
import { VERB_DESCRIPTORS } from '../../domain/verbs';
import type { BundleSource, LoadedBundle } from '../../policy';
import type { VerifiedRequests } from '../../verified/verified-requests';
import type { VerifiedRequest } from '../../verified/verify-request';
import type { Caller } from '../auth/caller';
import { HttpProblem } from '../http/problem';
import { carrying } from '../requests/carrying';
import { type GoneAnswer, GoneRequests, type GrantsOf } from './gone-requests';
import { sayAccepted } from './say-accepted';

export interface ApproverRequestsOptions {
  readonly client: CountersignClient;
  readonly verified: VerifiedRequests;
  readonly bundles: BundleSource<LoadedBundle>;
  readonly authority: () => Promise<Authority>;
  readonly log: Logger;
  readonly nowMs: () => number;
  /** What the ledger knows of requests whose workflow is gone. */
  readonly grantsOf?: GrantsOf | undefined;
}

/** Requests as approvers and governors use them: lists what awaits them, shows a request, carries what they sign. */
export class ApproverRequests {
  readonly #gone: GoneRequests;

  constructor(private readonly options: ApproverRequestsOptions) {
    const { client, grantsOf, nowMs } = options;
    const governs = (principal: PrincipalId) => this.#governs(principal);
    this.#gone = new GoneRequests({ client, grantsOf, governs, nowMs });
  }

  /** Lists what waits for the caller by its proof. What the server lists and does not verify is left out, counted and logged. */
  async awaiting(caller: Caller) {
    const { verified, log } = this.options;
    const { rows, withheld, isWhole } = await carrying(() => verified.awaiting(caller.principal));
    if (withheld.length > 0)
      log.warn(
        { caller: caller.principal, count: withheld.length, requests: withheld.slice(0, 10) },
        'requests that do not verify were left out of a list of what waits; countersign doctor looks at them',
      );
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
      withheld: withheld.length,
      complete: isWhole,
    };
  }

  /**
   * Returns a request as its signer has to see it: all of it, the digest computed here, and what approving it does. `proof` says
   * what of it is derived. A request that does not hold has no digest and no stage, so there is nothing to sign.
   */
  async read(caller: Caller, id: string) {
    const read = await this.#readFor(caller, id);
    const { view } = read;
    const request = view.submission?.request;
    if (request === undefined) throw unknown();
    const { status, revision, openStage, awaiting, approvals, assessment, lease, execution, review } = view;
    const quorum = quorumIn(view);
    const { context } = await this.options.bundles.current();
    const { audience, accepts } = context.catalog.entry(request.entitlement)?.grant ?? {};
    const gone = await this.gone(caller, id, read);
    return {
      request,
      proof: proofOf(read),
      ...(gone && { gone }),
      ...(read.holds && { digest: read.digest }),
      status,
      revision,
      ...(read.holds && openStage !== undefined && { stage: openStage }),
      awaiting,
      approvals: approvals.map(({ by, stage }) => ({ by, stage })),
      ...(quorum && { quorum }),
      ...(view.decisions && { decisions: view.decisions.map(decisionOf) }),
      ...(read.holds && { will_happen: willHappen(view, accepts) }),
      ...(assessment && {
        policy: {
          outcome: assessment.outcome,
          reason_codes: assessment.reasonCodes,
          explanation: assessment.explanation,
          determining_policies: assessment.determiningPolicies,
          policy_digest: assessment.policyDigest,
          ...(assessment.precedents && { precedents: assessment.precedents }),
          ...(assessment.flags && { flags: assessment.flags }),
          ...(assessment.remedy && { remedy: remedyOnWire(assessment.remedy) }),
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

  /** Returns the whole view of a request, as the command line shows it, with what of it is derived. */
  async view(caller: Caller, id: string) {
    const read = await this.#readFor(caller, id);
    const gone = await this.gone(caller, id, read);
    return { view: read.view, proof: proofOf(read), ...(gone && { gone }) };
  }

  /** Returns what became of a request whose workflow was ended from outside, or undefined if it was not. */
  async gone(
    { principal }: Pick<Caller, 'principal'>,
    id: string,
    read: VerifiedRequest,
  ): Promise<GoneAnswer | undefined> {
    const digest = read.holds ? read.digest : read.claimed?.digest;
    return digest === undefined ? undefined : this.#gone.of(principal, id, digest);
  }

  /** Lists what waits for the caller, what they asked, and what they hold, or one of these. By its proof, as in `awaiting`. */
  async concerning({ principal }: Caller, of?: 'awaiting' | 'asked' | 'held') {
    const { verified } = this.options;
    const lists = await carrying(() =>
      Promise.all([
        ...(of === undefined || of === 'awaiting' ? [verified.awaiting(principal)] : []),
        ...(of === undefined || of === 'asked' ? [verified.askedBy(principal)] : []),
        ...(of === undefined || of === 'held' ? [verified.heldBy(principal)] : []),
      ]),
    );
    const rows = new Map(lists.flatMap((list) => list.rows).map((row) => [row.id, row]));
    const newestFirst = [...rows.values()].sort(
      (a, b) => (b.startedAt?.getTime() ?? 0) - (a.startedAt?.getTime() ?? 0),
    );
    const withheld = new Set(lists.flatMap((list) => list.withheld.map(({ id }) => id)));
    return {
      requests: newestFirst.map(({ runId: _run, ...row }) => row),
      withheld: withheld.size,
      complete: lists.every((list) => list.isWhole),
    };
  }

  /**
   * Carries a signed statement. The workflow judges it by its signature, so it does not matter who carries it. The caller must
   * be allowed to read the request, or the signer must have seen it; otherwise strangers could fill the record of refusals and
   * find out which requests exist.
   */
  async carry(caller: Pick<Caller, 'principal'>, id: string, statement: SignedEnvelope) {
    const { client, log } = this.options;
    const read = await this.#read(id);
    const { view } = read;
    if (!(await this.#mayRead(caller, view)) && !(await this.#isBySomeoneWhoSaw(view, statement))) {
      log.warn({ request: id, caller: caller.principal }, 'the statement of a stranger was not carried');
      throw unknown();
    }
    if (!read.holds && (await this.#helpsOn(statement)))
      throw new HttpProblem(
        409,
        `the request does not hold, so nothing is carried to it: ${read.refusal.detail}`,
      );
    const answer = await carrying(() => client.sendStatement(id, statement), unknown());
    const { accepted, refusal, status, revision } = answer;
    const quorum = accepted ? await this.#quorumOf(id) : undefined;
    return { accepted, ...(refusal && { refusal }), status, revision, ...(quorum && { quorum }) };
  }

  /** What the open stage needs and has now, for the answer to a signature. Undefined if it cannot be proved at this moment. */
  #quorumOf(id: string): Promise<Quorum | undefined> {
    return this.options.verified.read(id).then(
      (read) => (read.holds ? quorumIn(read.view) : undefined),
      () => undefined,
    );
  }

  /** Returns true if the statement could help a request on. What takes something away does no harm, whatever the request is. */
  async #helpsOn(statement: SignedEnvelope): Promise<boolean> {
    const { directory } = await this.options.authority();
    const check = await directory.authenticateStatement(statement, this.options.nowMs());
    if (!check.verified) return true;
    const { speaksAboutPath, closes } = VERB_DESCRIPTORS[check.facts.statement.verb];
    return speaksAboutPath && !closes;
  }

  /** Returns true if the statement is signed and names the request's digest, which only those who were shown the request know. */
  async #isBySomeoneWhoSaw({ submission }: RequestView, statement: SignedEnvelope): Promise<boolean> {
    if (submission === undefined) return false;
    const { authority, nowMs } = this.options;
    const { directory } = await authority();
    const check = await directory.authenticateStatement(statement, nowMs());
    if (!check.verified) return false;
    const { request, digest } = check.facts.statement;
    return request === submission.request.id && digest === requestDigest(submission.request);
  }

  /** Reads a request for a page. @throws HttpProblem 404 if there is none that this principal may see, 410 if its workflow is gone */
  verifiedFor(principal: PrincipalId, id: string): Promise<VerifiedRequest> {
    return this.#readFor({ principal }, id);
  }

  async #readFor(caller: Pick<Caller, 'principal'>, id: string): Promise<Read> {
    const read = await this.#read(id).catch(async (error: unknown) => {
      if (error instanceof HttpProblem && error.status === 404) await this.#gone.refuse(caller.principal, id);
      throw error;
    });
    if (await this.#mayRead(caller, read.view)) return read;
    await this.#gone.refuse(caller.principal, id);
    throw unknown();
  }

  async #read(id: string): Promise<Read> {
    const verified = await carrying(() => this.options.verified.read(id), unknown());
    if (verified.holds) return verified;
    if (verified.claimed === undefined) throw unknown();
    return { ...verified, view: verified.claimed };
  }

  async #mayRead(
    { principal }: Pick<Caller, 'principal'>,
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
    const { context } = await this.options.bundles.current();
    const answersFor = [requester, beneficiary].some((id) => {
      const identity = context.directory.identity(id);
      return identity?.owner === principal || identity?.sponsor === principal;
    });
    return answersFor || this.#governs(principal);
  }

  async #governs(principal: PrincipalId): Promise<boolean> {
    const { context } = await this.options.bundles.current();
    const standing = context.directory.standingOf(principal, this.options.nowMs());
    return standing?.active === true && hasAnyRole(standing, [...GOVERNANCE_ROLES, PROCESS_OWNER_ROLE]);
  }
}

/** Who decided what, when and why (WEB-7). */
const decisionOf = ({ atMs, reasonCode, ...rest }: NonNullable<RequestView['decisions']>[number]) => ({
  ...rest,
  at: new Date(atMs).toISOString(),
  ...(reasonCode !== undefined && { reason_code: reasonCode }),
});

/** A request with what is shown of it: what was derived or, if it does not hold, what the server says. */
type Read = VerifiedRequest & { readonly view: RequestView };

/** What of an answer is derived. What is not is only the word of the server, which anyone in the namespace can put there. */
const proofOf = (read: Read) =>
  read.holds
    ? { holds: true, server_says: read.serverSays }
    : { holds: false, code: read.refusal.code, why: read.refusal.detail };

const unknown = () => new HttpProblem(404, 'there is no such request for you');

/** Since when the stage has been waiting, and what the clock does next. */
function waiting({ stageOpenedAtMs, openStage, nextDeadline }: RequestView) {
  return {
    ...(openStage !== undefined &&
      stageOpenedAtMs && { waiting_since: new Date(stageOpenedAtMs).toISOString() }),
    ...(nextDeadline && {
      next: { what: nextDeadline.summary, at: new Date(nextDeadline.atMs).toISOString() },
    }),
  };
}

/** Says what an approval causes, in sentences. Uses the request alone, never the requester's own summary. */
function willHappen({ submission }: RequestView, accepts: string | undefined): readonly string[] {
  const request = submission?.request;
  if (request === undefined) return [];
  const { beneficiary, entitlement, parameters, durationMs, containment, rollback } = request;
  const minutes = Math.ceil(durationMs / 60_000);
  if (parameters === undefined)
    return [
      `${beneficiary} gets ${entitlementName(entitlement)} for ${minutes} minutes; it ends by itself.`,
      ...(accepts === undefined ? [] : [sayAccepted(accepts)]),
    ];
  return [
    `${inSentence(parameters.tool)} (version ${inSentence(parameters.toolVersion)}) is run once on ${inSentence(parameters.target)}, with exactly the arguments shown, for ${beneficiary}.`,
    `It has to begin and end within ${minutes} minutes.`,
    `To contain it: ${plan(containment)}`,
    `To roll it back: ${plan(rollback)}`,
  ];
}

/** A plan on one line, so that none of its lines can pass for one of ours. */
const plan = (text = 'nothing was said'): string => text.replace(/\s+/g, ' ');
