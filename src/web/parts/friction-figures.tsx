import type { ApproverFigures } from '../../friction/approver';
import type { Figures } from '../../friction/figures';
import { saySpan } from '../../friction/say';
import type { Finding } from '../../friction/signals';
import type { NamedFigures } from '../../friction/tally';
import type { RequestEnd } from '../../friction/timeline';
import type { FrictionCounted } from '../friction-count';
import { type BarPart, Bars, Name } from './bars';
import { When, Words } from './words';

/** Rows of each chart. `countersign friction` has all of them. */
const MOST_ROWS = 12;

/** Figures of friction: headlines, charts with their numbers in words, and what should be redesigned. */
export function FrictionView({ counted }: { readonly counted: FrictionCounted }) {
  const { figures, findings } = counted;
  const { total, by } = figures;
  return (
    <>
      <p class="lead">
        What requests cost since <When atMs={counted.fromMs} />, counted <When atMs={counted.toMs} />.
      </p>
      <Bounds counted={counted} />
      <Headlines total={total} />
      {total.requests > 0 && (
        <>
          <section class="card">
            <Bars caption="How requests ended" heads={['End', 'Requests']} rows={endRows(total)} />
          </section>
          <section class="card">
            <Bars
              caption="Waiting for a decision, by entitlement"
              heads={['Entitlement', 'Half within, nine in ten within']}
              rows={by.entitlement.slice(0, MOST_ROWS).map(waitRow)}
              legend={[
                ['main', 'half of them waited no longer'],
                ['pale', 'nine in ten waited no longer'],
              ]}
            />
          </section>
          <section class="card">
            <Ends caption="What became of requests, by approval path" head="Path" all={by.path} />
          </section>
        </>
      )}
      {figures.approvers.length > 0 && (
        <section class="card">
          <Bars
            caption="Who is asked"
            heads={['Person', 'Prompts and answers']}
            rows={figures.approvers.slice(0, MOST_ROWS).map(approverRow)}
          />
        </section>
      )}
      <Redesign findings={findings} />
      {total.requests > 0 && (
        <details class="card">
          <summary>By team and by identity</summary>
          {by.team.length > 0 && <Ends caption="By team of who would get it" head="Team" all={by.team} />}
          <Ends caption="By identity that would get it" head="Identity" all={by.identity} />
        </details>
      )}
    </>
  );
}

/** What the figures leave out. */
const Bounds = ({ counted: { isWhole, left } }: { readonly counted: FrictionCounted }) => (
  <ul class="plain-list muted">
    {!isWhole && (
      <li>
        There are more requests than one page counts, so these are the newest.{' '}
        <code>countersign friction</code> counts all.
      </li>
    )}
    {left > 0 && (
      <li>{`${left} more are listed by the server and not counted, because nothing proves them.`}</li>
    )}
    <li>
      Access on targets without a request is not counted here: <code>countersign friction</code> reads the
      targets.
    </li>
  </ul>
);

const Headlines = ({ total }: { readonly total: Figures }) => (
  <dl class="headlines">
    {headlines(total).map(([name, value]) => (
      <div>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
);

const headlines = (total: Figures): readonly (readonly [name: string, value: string])[] => [
  ['requests', String(total.requests)],
  ['decided by policy alone', percentOf(total.byPolicy, total.requests)],
  ['wait at the median', span(total.decisionP50Ms)],
  ['prompts', String(total.prompts)],
  ['asked again for the same', String(total.repeats)],
  ['emergencies', percent(total.emergencyShare)],
  ['rerouted, of what people decide', percent(total.rerouteShare)],
  ['approved sooner than anyone reads', percent(total.hardlyReadShare)],
];

const ENDS: Readonly<Record<RequestEnd, readonly [words: string, look: BarPart['look']]>> = {
  granted: ['granted', 'good'],
  stopped: ['stopped by policy', 'bad'],
  denied: ['denied by people', 'bad'],
  cancelled: ['cancelled', 'over'],
  withdrawn: ['withdrawn', 'over'],
  lapsed: ['never answered', 'over'],
  failed: ['not carried out', 'bad'],
  open: ['still open', 'wait'],
};

const endsOf = ({ outcomes }: Figures) =>
  Object.entries(ENDS).flatMap(([end, [words, look]]) => {
    const value = Object.entries(outcomes).find(([name]) => name === end)?.[1] ?? 0;
    return value === 0 ? [] : [{ words, look, value }];
  });

const endRows = (total: Figures) =>
  endsOf(total).map(({ words, look, value }) => ({
    name: words,
    parts: [{ value, look }],
    words: `${value} (${percentOf(value, total.requests)})`,
  }));

interface EndsProps {
  readonly caption: string;
  readonly head: string;
  readonly all: readonly NamedFigures[];
}

const Ends = ({ caption, head, all }: EndsProps) => (
  <Bars
    caption={caption}
    heads={[head, 'Requests']}
    rows={all.slice(0, MOST_ROWS).map((one) => ({
      name: <Name text={one.name} />,
      parts: endsOf(one),
      words: [
        String(one.requests),
        endsOf(one)
          .map(({ words, value }) => `${value} ${words}`)
          .join(', '),
      ].join(': '),
    }))}
    legend={[
      ['good', 'granted'],
      ['bad', 'stopped, denied or not carried out'],
      ['over', 'cancelled, withdrawn or never answered'],
      ['wait', 'still open'],
    ]}
  />
);

const waitRow = ({ name, decisionP50Ms, decisionP90Ms }: NamedFigures) => ({
  name: <Name text={name} />,
  parts: [
    { value: decisionP50Ms ?? 0, look: 'main' as const },
    { value: Math.max(0, (decisionP90Ms ?? 0) - (decisionP50Ms ?? 0)), look: 'pale' as const },
  ],
  words: decisionP50Ms === undefined ? 'no decision yet' : `${span(decisionP50Ms)}, ${span(decisionP90Ms)}`,
});

const approverRow = (one: ApproverFigures) => ({
  name: <Name text={one.person} />,
  parts: [{ value: one.prompts, look: 'main' as const }],
  words: [
    `${one.prompts} ${one.prompts === 1 ? 'prompt' : 'prompts'}, ${one.busiestHour.prompts} in the busiest hour`,
    `${one.approvals} approved, ${one.denials} denied`,
    ...(one.approvalP50Ms === undefined ? [] : [`answers within ${span(one.approvalP50Ms)} at the median`]),
  ].join('; '),
});

const Redesign = ({ findings }: { readonly findings: readonly Finding[] }) => (
  <section>
    <h2>What should be redesigned</h2>
    {findings.length === 0 && <p class="muted">Nothing stands out.</p>}
    <ul class="rows">
      {findings.slice(0, MOST_ROWS).map((finding) => (
        <li class="card">
          <h3>
            <Words text={finding.summary} />
          </h3>
          <p>
            <span class="badge wait">{finding.signal}</span> <code>{finding.subject}</code>
          </p>
          <p>
            <Words text={finding.proposal} />
          </p>
          <p class="muted">
            {Object.entries(finding.evidence)
              .map(([name, value]) => `${name} ${value}`)
              .join('; ')}
          </p>
          {finding.change !== undefined && (
            <details>
              <summary>A change of the policy that would do it</summary>
              <section class="arguments" tabindex={0} aria-label={`change for ${finding.subject}`}>
                <pre>
                  {`${finding.change.add}\n\n// in ${finding.change.exempt.policies.join(', ')}\n${finding.change.exempt.clause}`}
                </pre>
              </section>
            </details>
          )}
        </li>
      ))}
    </ul>
  </section>
);

const percent = (share: number): string => `${Math.round(share * 100)} %`;
const percentOf = (some: number, all: number): string => percent(all === 0 ? 0 : some / all);
const span = (ms: number | undefined): string => (ms === undefined ? 'not yet' : saySpan(ms));
