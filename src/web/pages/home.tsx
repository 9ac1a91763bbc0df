import type { VerifiedList } from '../../verified/verified-requests';
import type { Page } from '../page';
import { listHint } from '../page-service';
import { numberIn, PageLinks, pageOf } from '../parts/paging';
import { Rows, Withheld } from '../parts/rows';
import { TellMe } from '../parts/tell-me';

/** Rows of one section at a time. */
const ROWS = 20;

/** What awaits this person, what they asked, what they hold. */
export const homePage: Page = {
  path: '/',
  label: 'Yours',
  render: async ({ c, visitor, service }) => {
    const titleOf = await service.titles();
    const [awaiting, asked, held] = await Promise.all([
      service.awaiting(visitor),
      service.askedBy(visitor),
      service.heldBy(visitor),
    ]);
    const count = awaiting.rows.length;
    const page = (name: string, { rows }: Pick<VerifiedList, 'rows'>) =>
      pageOf(rows, numberIn(c, name), ROWS);
    const [waits, holds, asks] = [page('waits', awaiting), page('holds', held), page('asks', asked)];
    return {
      title: count === 0 ? 'Nothing waits for you' : `${count} waiting for you`,
      live: `/live?seen=${listHint(awaiting.newest)}`,
      body: (
        <>
          <section id="waits">
            <h1>{count === 0 ? 'Nothing waits for you' : 'Waiting for you'}</h1>
            {count === 0 && <p class="lead">When somebody needs your signature, it is here.</p>}
            <Rows list={waits} titleOf={titleOf} />
            <PageLinks page={waits} name="waits" what="waiting for you" />
            <Withheld list={awaiting} />
          </section>
          <section id="holds">
            <h2>You hold</h2>
            <Rows list={holds} titleOf={titleOf} none="No access is open for you." />
            <PageLinks page={holds} name="holds" what="you hold" />
          </section>
          <section id="asks">
            <h2>You asked</h2>
            <Rows list={asks} titleOf={titleOf} none="You have asked for nothing." />
            <PageLinks page={asks} name="asks" what="you asked" />
          </section>
          <TellMe publicKey={service.gateway.config.push?.publicKey} />
        </>
      ),
    };
  },
};
