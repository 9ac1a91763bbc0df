import type { CountersignClient } from '../../client';
import type { GrantEntry } from '../../domain/precedents';
import type { PrincipalId } from '../../domain/principal';
import { findGone, type GrantOnRecord, sayGone } from '../../verified/gone';
import { HttpProblem } from '../http/problem';
import { carrying } from '../requests/carrying';

/** Returns every grant that the ledger has under the id of a request. */
export type GrantsOf = (requestId: string) => Promise<readonly (GrantEntry & GrantOnRecord)[]>;

export interface GoneRequestsOptions {
  readonly client: Pick<CountersignClient, 'breakOf' | 'submissionOf'>;
  /** Without it, a gateway knows nothing of requests whose workflow was deleted or replaced. */
  readonly grantsOf?: GrantsOf | undefined;
  /** True for those who may read every request. */
  readonly governs: (principal: PrincipalId) => Promise<boolean>;
  readonly nowMs: () => number;
}

/** What became of a request whose workflow was ended from outside, as an answer has it. */
export interface GoneAnswer {
  readonly workflow: string;
  /** What became of the workflow and of its access, in a sentence. */
  readonly says: string;
}

/** Says what became of requests whose workflow is gone: it asks the server what happened to it, and the ledger when its access ended. */
export class GoneRequests {
  constructor(private readonly options: GoneRequestsOptions) {}

  /**
   * Returns what became of the workflow of a request that the caller may read, or undefined if it is not gone.
   *
   * @param digest of the request that was read
   */
  async of(principal: PrincipalId, id: string, digest: string): Promise<GoneAnswer | undefined> {
    const grants = await this.#grants(id);
    const gone = await carrying(() => findGone(id, digest, this.options.client, grants));
    if (gone === undefined) return undefined;
    const { workflow, grant } = gone;
    // Of another request that had this id before, only its own people are told.
    if (grant === undefined || grant.digest === digest || (await this.#mayKnow(principal, [grant])))
      return answer(workflow, sayGone({ workflow, ...(grant && { grant }) }, this.options.nowMs()));
    return workflow === 'replaced'
      ? undefined
      : answer(workflow, sayGone({ workflow }, this.options.nowMs()));
  }

  /** @throws HttpProblem 410 if the request is gone and its grant is on record as one of this caller's */
  async refuse(principal: PrincipalId, id: string): Promise<void> {
    const grants = await this.#grants(id);
    if (grants.length === 0 || !(await this.#mayKnow(principal, grants))) return;
    const gone = await carrying(() => findGone(id, undefined, this.options.client, grants));
    if (gone === undefined) return;
    const says = sayGone(gone, this.options.nowMs());
    throw new HttpProblem(410, `the workflow is gone: ${says}`, { code: 'WORKFLOW_GONE' });
  }

  /** A ledger that does not answer must not keep a request from being shown. */
  async #grants(id: string): ReturnType<GrantsOf> {
    return (await this.options.grantsOf?.(id).catch(() => [])) ?? [];
  }

  async #mayKnow(principal: PrincipalId, grants: Awaited<ReturnType<GrantsOf>>): Promise<boolean> {
    const involved = grants.flatMap(({ requester, beneficiary, parties, participants, reviewers }) => [
      ...[requester, beneficiary],
      ...[...parties, ...participants, ...reviewers],
    ]);
    return involved.includes(principal) || this.options.governs(principal);
  }
}

const answer = (workflow: string, says: string): GoneAnswer => ({ workflow, says });
