import type { z } from 'zod';
import { tryDigestOf } from '../../domain/digest';
import type { BundleSource, LoadedBundle, PolicyContext } from '../../policy';
import type { Caller } from '../auth/caller';
import { HttpProblem } from '../http/problem';
import type { DecisionPoint } from './decide';
import type { actionSearchSchema, Evaluation, resourceSearchSchema, subjectSearchSchema } from './entities';
import type { Names } from './names';
import { YieldingLoop } from './yielding';

const PAGE = 200;

interface Page {
  readonly token?: string | undefined;
  readonly limit?: number | undefined;
}

/** Answers searches: evaluates every candidate of the catalog or the directory and returns those that are permitted. */
export class Searches {
  readonly #loop = new YieldingLoop();

  constructor(
    private readonly bundles: BundleSource<LoadedBundle>,
    private readonly decisions: DecisionPoint,
    private readonly names: Names,
  ) {}

  async subjects(caller: Caller, { page, ...search }: z.output<typeof subjectSearchSchema>) {
    const { context, principals } = await this.bundles.current();
    const candidates = principals.flatMap((id) => this.names.subjectOf(id, search.subject.type) ?? []);
    return this.#paged(search, page, candidates, (candidate) =>
      this.#permits(context, caller, { ...search, subject: { ...search.subject, ...candidate } }),
    );
  }

  async resources(caller: Caller, { page, ...search }: z.output<typeof resourceSearchSchema>) {
    const { context } = await this.bundles.current();
    const ids = new Set(
      context.catalog
        .entries()
        .flatMap(({ entitlement }) => this.names.resourceOf(entitlement, search.resource.type) ?? []),
    );
    const candidates = [...ids].map((id) => ({ type: search.resource.type, id }));
    return this.#paged(search, page, candidates, (candidate) =>
      this.#permits(context, caller, { ...search, resource: { ...search.resource, ...candidate } }),
    );
  }

  async actions(caller: Caller, { page, ...search }: z.output<typeof actionSearchSchema>) {
    const { context } = await this.bundles.current();
    const { type, id } = search.resource;
    const candidates = context.catalog
      .entries()
      .filter(({ entitlement }) => entitlement.connector === type && entitlement.resource === id)
      .map(({ entitlement }) => ({ name: entitlement.action }));
    return this.#paged(search, page, candidates, (candidate) =>
      this.#permits(context, caller, { ...search, action: candidate }),
    );
  }

  #permits(context: PolicyContext, caller: Caller, evaluation: Evaluation): boolean {
    const about = this.decisions.assess(context, caller, evaluation);
    return about?.assessment.outcome === 'permit';
  }

  /** Returns one page of the permitted candidates. The page token says where to continue, and belongs to one search. */
  async #paged<Candidate>(
    search: unknown,
    { token, limit }: Page = {},
    candidates: readonly Candidate[],
    permits: (candidate: Candidate) => boolean,
  ) {
    const digest = tryDigestOf(search);
    const name = digest.ok ? digest.value.slice(-16) : '';
    const { start, size } =
      token === undefined ? { start: 0, size: limit ?? PAGE } : resume(token, name, limit);
    const permitted = await this.#loop.filter(candidates, permits);
    const results = permitted.slice(start, start + size);
    const end = start + results.length;
    const next_token =
      end < permitted.length ? Buffer.from(`${end} ${size} ${name}`).toString('base64url') : '';
    if (token === undefined && next_token === '') return { results };
    // The page member comes first, so that a reader knows the count before it reads the results.
    return { page: { next_token, count: results.length, total: permitted.length }, results };
  }
}

function resume(token: string, name: string, limit: number | undefined) {
  const [start = '', size = '', of = ''] = Buffer.from(token, 'base64url').toString().split(' ');
  if (!/^\d{1,6}$/.test(start) || !/^\d{1,4}$/.test(size) || Number(size) > 1_000 || of !== name)
    throw new HttpProblem(400, 'page.token does not belong to this search');
  if (limit !== undefined && limit !== Number(size))
    throw new HttpProblem(400, 'page.limit differs from the one that the search began with');
  return { start: Number(start), size: Number(size) };
}
