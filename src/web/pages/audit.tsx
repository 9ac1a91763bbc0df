import { z } from 'zod';
import { identifier, principalId } from '../../contracts/request';
import type { SearchFilter } from '../../verified/verified-requests';
import type { Page } from '../page';
import { Rows, Withheld } from '../parts/rows';
import { isGovernor, refuseAllButGovernors } from '../sessions';

const day = z.iso.date();
const searchSchema = z.object({
  person: principalId.optional(),
  resource: identifier.optional(),
  from: day.optional(),
  to: day.optional(),
});
type Search = z.output<typeof searchSchema>;

const DAY_MS = 86_400_000;

/** Every request, by whom it concerns, what it is about and when it was asked. What each decided is on its page. */
export const auditPage: Page = {
  path: '/audit',
  label: 'Audit',
  isFor: isGovernor,
  render: async ({ c, visitor, service }) => {
    refuseAllButGovernors(visitor);
    const typed = Object.fromEntries(Object.entries(c.req.query()).filter(([, text]) => text !== ''));
    const search = searchSchema.safeParse(typed);
    const titleOf = await service.titles();
    const found = search.success ? await service.search(filterOf(search.data)) : undefined;
    return {
      title: 'Audit',
      body: (
        <>
          <h1>Audit</h1>
          <SearchForm typed={typed} />
          {found === undefined ? (
            <p class="said bad">
              This search cannot be read. Write a person as person/mira, a resource as payments, days as
              2026-11-29.
            </p>
          ) : (
            <section>
              <h2>{`Found: ${found.rows.length}${found.rows.length === 100 ? ' (the newest)' : ''}`}</h2>
              <Withheld list={found} />
              <Rows
                list={found}
                titleOf={titleOf}
                none="No request matches."
                {...(service.evidence && { below: EvidenceLink })}
              />
            </section>
          )}
          <section>
            <h2>Verify it elsewhere</h2>
            <p>
              The evidence of a request is a file that anyone can verify without us, and without a network:{' '}
              <code>countersign audit verify FILE</code>.
            </p>
          </section>
        </>
      ),
    };
  },
};

const EvidenceLink = ({ id }: { readonly id: string }) => (
  <a class="below" href={`/audit/${id}/evidence`} download>
    Evidence <span class="hidden">of {id}</span>
  </a>
);

const filterOf = ({ person, resource, from, to }: Search): SearchFilter => ({
  ...(person !== undefined && { concerning: person }),
  ...(resource !== undefined && { resource }),
  ...(from !== undefined && { fromMs: Date.parse(from) }),
  ...(to !== undefined && { toMs: Date.parse(to) + DAY_MS }),
});

const SearchForm = ({ typed }: { readonly typed: Readonly<Record<string, string>> }) => (
  <form class="card search" method="get" action="/audit">
    <label>
      Person or identity
      <input name="person" value={typed['person']} placeholder="person/mira" autocomplete="off" />
    </label>
    <label>
      Resource
      <input name="resource" value={typed['resource']} placeholder="payments" autocomplete="off" />
    </label>
    <label>
      Asked from
      <input name="from" type="date" value={typed['from']} />
    </label>
    <label>
      to
      <input name="to" type="date" value={typed['to']} />
    </label>
    <button type="submit">Search</button>
  </form>
);
