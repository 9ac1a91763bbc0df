import { findDefinition } from '../../connectors/index';
import { formatDuration } from '../../contracts/duration';
import { entitlementName } from '../../domain/request';
import { approvedDurationMs, awaited } from '../../domain/stages';
import { assessmentOf, type ReadState } from '../../domain/state';
import { sayAccepted } from '../../gateway/approver/say-accepted';
import { idOf } from '../../gateway/routes/adder';
import type { LoadedBundle } from '../../policy';
import type { ProvedRequest } from '../../verified/verify-request';
import type { Page } from '../page';
import { Asked, ExactAction, LookCloser, PolicySaid } from '../parts/about';
import { Decisions, formsOf, ProposedChange } from '../parts/decide';
import { EventList } from '../parts/event-list';
import { PathDrawing } from '../parts/path';
import { Status } from '../parts/status';
import { When, Who, Whom } from '../parts/words';
import { isGovernor, type Visitor } from '../sessions';
import { proposedChange, whyNotApprove } from '../verbs';

/** One request: what is asked, what policy said, who has signed, and what this person can decide. */
export const requestPage: Page = {
  path: '/requests/:id',
  render: async ({ c, visitor, service, nowMs }) => {
    const id = idOf(c);
    const read = await service.read(visitor, id);
    const bundle = await service.gateway.bundles.current();
    const { context } = bundle;
    const { request, state } = read;
    const entry = context.catalog.entry(request.entitlement);
    const assessment = assessmentOf(state);
    const gone = await service.goneOf(visitor, id, read);
    return {
      title: entry?.title ?? request.entitlement.action,
      live: `/live/requests/${id}?seen=${read.events.length}`,
      body: (
        <article class="request">
          <header class="head">
            <p class="eyebrow">
              <Status status={state.status} /> {request.emergency && <span class="badge bad">Emergency</span>}
            </p>
            <h1>{entry?.title ?? `${request.entitlement.action} on ${request.entitlement.resource}`}</h1>
            <p class="lead">
              for <Who id={request.beneficiary} />
            </p>
            {gone !== undefined && (
              <p class="lead">
                <span class="badge bad">The workflow is gone</span>{' '}
                {`${gone}. What is below is how it stood before.`}
              </p>
            )}
          </header>
          <div class="columns">
            <div class="asked">
              <section class="card">
                <h2 class="hidden">What is asked</h2>
                <Asked request={request} digest={read.digest} />
              </section>
              <LookCloser
                precedents={read.view.assessment?.precedents ?? []}
                flags={assessment?.flags ?? []}
              />
              {request.parameters !== undefined && (
                <ExactAction parameters={request.parameters} request={request} />
              )}
            </div>
            <aside class="side">
              <YourPart read={read} visitor={visitor} bundle={bundle} nowMs={nowMs} />
              <NotProved read={read} />
            </aside>
            <div class="rest">
              <section class="card">
                <h2>Who signs</h2>
                <PathDrawing state={state} />
              </section>
              {assessment !== undefined && (
                <PolicySaid
                  assessment={assessment}
                  titleOf={(policy) => context.engine.rules.get(policy)?.title}
                />
              )}
              <TargetLimits
                connector={request.entitlement.connector}
                connectors={context.catalog.connectors}
                accepts={context.catalog.entry(request.entitlement)?.grant['accepts']}
              />
              <section class="card">
                <h2>What has happened so far</h2>
                <EventList events={read.events} />
                {service.evidence !== undefined && isGovernor(visitor) && (
                  <p class="below">
                    <a href={`/audit/${id}/evidence`} download>
                      Download the evidence
                    </a>
                    , which <code>countersign audit verify FILE</code> verifies without us.
                  </p>
                )}
              </section>
            </div>
          </div>
        </article>
      ),
    };
  },
};

/** What this person can do now, or why they can do nothing. */
function YourPart({
  read: { state },
  visitor,
  bundle,
  nowMs,
}: {
  readonly read: ProvedRequest;
  readonly visitor: Visitor;
  readonly bundle: LoadedBundle;
  readonly nowMs: number;
}) {
  const forms = formsOf({ state, visitor, bundle, nowMs });
  const whyNot = forms.length === 0 ? whyNotApprove(state, visitor, nowMs) : undefined;
  const waits = awaited(state);
  return (
    <section class="card yours">
      <h2>Your part</h2>
      {proposedChange(state) !== undefined && <ProposedChange state={state} />}
      {forms.length === 0 ? (
        <p class="muted">
          {`There is nothing for you to sign now${whyNot === undefined ? '' : `: ${whyNot.detail}`}.`}
        </p>
      ) : (
        <>
          <p class="will">
            <WillHappen state={state} />
          </p>
          <Decisions forms={forms} state={state} visitor={visitor} opensFirst />
        </>
      )}
      <dl class="facts small">
        {waits.length > 0 && (
          <div class="fact">
            <dt>It waits for</dt>
            <dd>
              <Whom ids={waits} />
            </dd>
          </div>
        )}
        <Times state={state} />
      </dl>
    </section>
  );
}

/** What an approval causes, in one sentence, from the request alone. */
function WillHappen({ state }: { readonly state: ReadState }) {
  const { beneficiary, entitlement, parameters, notBeforeMs } = state.submission.request;
  const durationMs = approvedDurationMs(state);
  const start = notBeforeMs !== undefined && (
    <>
      , from <When atMs={notBeforeMs} /> on
    </>
  );
  return parameters === undefined ? (
    <>
      If it is approved, <Who id={beneficiary} /> gets <code>{entitlementName(entitlement)}</code> for{' '}
      {formatDuration(durationMs)}
      {start}. It ends by itself.
    </>
  ) : (
    <>
      If it is approved, this runs once for <Who id={beneficiary} />, with exactly these arguments, within{' '}
      {formatDuration(durationMs)}
      {start}.
    </>
  );
}

function Times({ state }: { readonly state: ReadState }) {
  if (state.phase === 'granted')
    return (
      <div class="fact">
        <dt>{state.status === 'active' ? 'Access until' : 'Access was until'}</dt>
        <dd>
          <When atMs={state.lease.expiresAtMs} /> as <code>{state.lease.account}</code>
        </dd>
      </div>
    );
  if (state.phase !== 'assessed' || state.stageOpenedAtMs === 0) return null;
  return (
    <div class="fact">
      <dt>Waiting since</dt>
      <dd>
        <When atMs={state.stageOpenedAtMs} />
      </dd>
    </div>
  );
}

/** What a person relies on although nobody signed it. */
const NotProved = ({ read: { serverSays } }: { readonly read: ProvedRequest }) =>
  serverSays.length === 0 ? (
    <p class="proof">✓ Everything here was derived from signatures and policy.</p>
  ) : (
    <p class="proof">
      {`Derived from signatures and policy, except what only the server says: ${serverSays.map((one) => SERVER_WORDS[one]).join(', ')}.`}
    </p>
  );

const SERVER_WORDS: Readonly<Record<ProvedRequest['serverSays'][number], string>> = {
  access: 'when access was given',
  end: 'how it ended',
  assessment: 'what policy said then',
  attempts: 'refused attempts',
};

/** What the target does not do by itself, for who approves to know. */
function TargetLimits({
  connector,
  connectors,
  accepts,
}: {
  readonly connector: string;
  /** What the catalog accepts that a holder can leave behind. */
  readonly accepts: string | undefined;
  readonly connectors: LoadedBundle['connectors'];
}) {
  const kind = connectors.find(({ name }) => name === connector)?.kind;
  const definition = kind === undefined ? undefined : findDefinition(kind);
  if (definition === undefined || definition.gives === 'execution') return null;
  const { access, sessions } = definition.endsByItself;
  if (access && sessions && accepts === undefined) return null;
  return (
    <section class="card">
      <h2>What the target cannot do</h2>
      <ul class="plain-list">
        {!access && (
          <li>It does not end access by itself. Countersign ends it, and its reconciler makes sure.</li>
        )}
        {!sessions && (
          <li>It does not close open sessions by itself. Countersign closes them with the access.</li>
        )}
        {accepts !== undefined && <li>{`${sayAccepted(accepts)} It is told at the end, and not undone.`}</li>}
      </ul>
    </section>
  );
}
