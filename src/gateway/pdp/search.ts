import type { z } from 'zod';
import { tryDigestOf } from '../../domain/digest';
import type { BundleSource, LoadedBundle, PolicyBook } from '../../policy';
import type { Caller } from '../auth/caller';
import { HttpProblem } from '../http/problem';
import type { DecisionPoint } from './decide';
import type { actionSearchSchema, Evaluation, resourceSearchSchema, subjectSearchSchema } from './entities';
import { subjectOf } from './mapping';
import { Turns } from './turns';

const PAGE = 200;

interface Page {
  readonly token?: string | undefined;
  readonly limit?: number | undefined;
}

/** Answers searches from the catalog and the directory: every candidate is evaluated, and those permitted are named. */
export class Searches {
  readonly #turns = new Turns();

  constructor(
    private readonly bundles: BundleSource<LoadedBundle>,
    private readonly decisions: DecisionPoint,
  ) {}

  async subjects(caller: Caller, { page, ...search }: z.output<typeof subjectSearchSchema>) {
    const { book, principals } = await this.bundles.current();
    const candidates = principals.flatMap((id) => subjectOf(id, search.subject.type) ?? []);
    return this.#paged(search, page, candidates, (candidate) =>
      this.#permits(book, caller, { ...search, subject: { ...search.subject, ...candidate } }),
    );
  }

  async resources(caller: Caller, { page, ...search }: z.output<typeof resourceSearchSchema>) {
    const { book } = await this.bundles.current();
    const ids = new Set(
      book.catalog
        .entries()
        .filter(({ entitlement }) => entitlement.connector === search.resource.type)
        .map(({ entitlement }) => entitlement.resource),
    );
    const candidates = [...ids].map((id) => ({ type: search.resource.type, id }));
    return this.#paged(search, page, candidates, (candidate) =>
      this.#permits(book, caller, { ...search, resource: { ...search.resource, ...candidate } }),
    );
  }

  async actions(caller: Caller, { page, ...search }: z.output<typeof actionSearchSchema>) {
    const { book } = await this.bundles.current();
    const { type, id } = search.resource;
    const candidates = book.catalog
      .entries()
      .filter(({ entitlement }) => entitlement.connector === type && entitlement.resource === id)
      .map(({ entitlement }) => ({ name: entitlement.action }));
    return this.#paged(search, page, candidates, (candidate) =>
      this.#permits(book, caller, { ...search, action: candidate }),
    );
  }

  #permits(book: PolicyBook, caller: Caller, evaluation: Evaluation): boolean {
    const about = this.decisions.assess(book, caller, evaluation);
    return about?.assessment.outcome === 'permit';
  }

  /** One page of what is permitted. The token says where to go on, and for which search. */
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
    const permitted = await this.#turns.filter(candidates, permits);
    const results = permitted.slice(start, start + size);
    const end = start + results.length;
    const next_token =
      end < permitted.length ? Buffer.from(`${end} ${size} ${name}`).toString('base64url') : '';
    if (token === undefined && next_token === '') return { results };
    // The page comes first, so that a reader knows how much there is before it reads it.
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
