import type { VerifiedRow } from '../../verified/verified-requests';
import type { ProvedRequest } from '../../verified/verify-request';
import type { Page, Visit } from '../page';
import { Asked } from '../parts/about';
import { Decisions, formsOf, ProposedChange } from '../parts/decide';
import { HeldTools } from '../parts/held-tools';
import { numberIn, PageLinks, pageOf } from '../parts/paging';
import { Row, Withheld } from '../parts/rows';
import { WrittenParts } from '../parts/written';
import { isGovernor, refuseAllButGovernors, type Visitor } from '../sessions';

/** Rows of one section at a time. */
const ROWS = 15;

interface Section {
  /** Its name in the address of the page. */
  readonly name: string;
  readonly title: string;
  readonly none: string;
  readonly rows: readonly VerifiedRow[];
}

/** What governors look after: stalled requests, changes to endorse, reviews that are owed, each with what they can sign now. */
export const governancePage: Page = {
  path: '/governance',
  label: 'Governance',
  isFor: isGovernor,
  render: async (visit) => {
    const { visitor, service } = visit;
    refuseAllButGovernors(visitor);
    const [titleOf, waiting, owing] = [
      await service.titles(),
      await service.waiting(),
      await service.owingReview(),
    ];
    const proved = new Map([...waiting.proved, ...owing.proved]);
    const bundle = await service.gateway.bundles.current();
    return {
      title: 'Governance',
      body: (
        <>
          <h1>Governance</h1>
          <Withheld list={waiting} />
          {sectionsOf(waiting.rows, owing.rows).map((section) => (
            <SectionOf
              section={section}
              visit={visit}
              card={(row) => (
                <Card
                  row={row}
                  proved={proved.get(row.id)}
                  title={titleOf(row.entitlement)}
                  visit={visit}
                  bundle={bundle}
                />
              )}
            />
          ))}
          <Withheld list={owing} />
          <HeldTools held={service.gateway.toolChanges.held(bundle)} />
          <section>
            <h2>Changes of the directory</h2>
            <p class="muted">
              People, groups and roles come from the files of the bundle, so their changes are reviewed where
              those files are. Passkeys that await a second governor are under <a href="/keys">Passkeys</a>.
            </p>
          </section>
        </>
      ),
    };
  },
};

function sectionsOf(waiting: readonly VerifiedRow[], owing: readonly VerifiedRow[]): readonly Section[] {
  const [toEndorse, others] = [
    waiting.filter((row) => row.awaitsEndorsement),
    waiting.filter((row) => !row.awaitsEndorsement),
  ];
  return [
    {
      name: 'stalled',
      title: 'Stalled: nobody answered',
      none: 'Nothing is stalled.',
      rows: others.filter((row) => row.isStalled),
    },
    {
      name: 'endorse',
      title: 'A change of the path awaits a second governor',
      none: 'Nothing is to be endorsed.',
      rows: toEndorse,
    },
    { name: 'reviews', title: 'Reviews owed', none: 'No review is owed.', rows: owing },
    {
      name: 'waiting',
      title: 'Waiting for people',
      none: 'Nothing is waiting.',
      rows: others.filter((row) => !row.isStalled),
    },
  ];
}

interface SectionProps {
  readonly section: Section;
  readonly visit: Visit;
  readonly card: (row: VerifiedRow) => ReturnType<typeof Card>;
}

function SectionOf({ section: { name, title, none, rows }, visit: { c }, card }: SectionProps) {
  const page = pageOf(rows, numberIn(c, name), ROWS);
  return (
    <section id={name}>
      <h2>{`${title} (${rows.length})`}</h2>
      {rows.length === 0 ? (
        <p class="muted">{none}</p>
      ) : (
        <ul class="rows">
          {page.rows.map((row) => (
            <li>{card(row)}</li>
          ))}
        </ul>
      )}
      <PageLinks page={page} name={name} what={title} />
    </section>
  );
}

interface CardProps {
  readonly row: VerifiedRow;
  readonly proved: ProvedRequest | undefined;
  readonly title: string | undefined;
  readonly visit: Visit;
  readonly bundle: Parameters<typeof formsOf>[0]['bundle'];
}

const written = new WrittenParts();

/** A request with what this person can sign about it now. */
function Card({ row, proved, title, visit: { visitor, nowMs }, bundle }: CardProps) {
  const reader = JSON.stringify([visitor.person, visitor.passkey?.keyId]);
  return (
    <>
      <Row row={row} title={title} />
      {proved !== undefined &&
        written.of(proved.state, reader, bundle, nowMs, () => (
          <ToSign proved={proved} visitor={visitor} bundle={bundle} nowMs={nowMs} />
        ))}
    </>
  );
}

type ToSignProps = Pick<CardProps, 'bundle'> & {
  readonly proved: ProvedRequest;
  readonly visitor: Visitor;
  readonly nowMs: number;
};

/** What this person signs stands above the forms. */
function ToSign({ proved, visitor, bundle, nowMs }: ToSignProps) {
  const forms = formsOf({ state: proved.state, visitor, bundle, nowMs });
  return forms.length === 0 ? null : (
    <details class="card act">
      <summary>{forms.map(({ button }) => button).join(', ')}</summary>
      <Asked request={proved.request} digest={proved.digest} />
      <ProposedChange state={proved.state} />
      <Decisions forms={forms} state={proved.state} visitor={visitor} />
    </details>
  );
}
