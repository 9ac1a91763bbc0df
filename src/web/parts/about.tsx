import type { Child } from 'hono/jsx';
import { formatDuration } from '../../contracts/duration';
import type { PrecedentView } from '../../contracts/progress';
import { sayRemedy } from '../../contracts/remedy';
import type { Assessment, LinkedPrecedent } from '../../domain/assessment';
import { type AccessRequest, type ExecutionParameters, entitlementName } from '../../domain/request';
import { Digest, When, Who, Whom, Words } from './words';

/** A fact with its name. */
const Fact = ({ name, children }: { readonly name: string; readonly children: Child }) => (
  <div class="fact">
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

/** Who gets what, for how long, why and for whom: from the verified submission alone. */
export const Asked = ({ request, digest }: { readonly request: AccessRequest; readonly digest: string }) => (
  <dl class="facts">
    <Fact name="Who gets it">
      <Who id={request.beneficiary} />
    </Fact>
    <Fact name="What">
      <code>{entitlementName(request.entitlement)}</code>
    </Fact>
    <Fact name="For how long">{formatDuration(request.durationMs)}, then it ends by itself</Fact>
    {request.notBeforeMs !== undefined && (
      <Fact name="Not before">
        <When atMs={request.notBeforeMs} />
      </Fact>
    )}
    <Fact name="Why">
      <Words text={request.reason} />
    </Fact>
    {request.ticket !== undefined && (
      <Fact name="Ticket">
        <Words text={request.ticket} />
      </Fact>
    )}
    <Fact name="Asked by">
      <Who id={request.requester} /> <When atMs={request.submittedAtMs} />
    </Fact>
    {request.onBehalfOf.length > 0 && (
      <Fact name="On behalf of">
        <Whom ids={request.onBehalfOf} />
      </Fact>
    )}
    {request.presented !== undefined && (
      <Fact name="Presented of it">
        <Words text={JSON.stringify(request.presented)} />
      </Fact>
    )}
    {request.emergency && <Fact name="Emergency">{request.emergencyCondition ?? 'unnamed'}</Fact>}
    <Fact name="Digest">
      <Digest value={digest} />
    </Fact>
  </dl>
);

/** Every argument of an exact action, and how its proposer would contain and undo it. */
export const ExactAction = ({
  parameters,
  request,
}: {
  readonly parameters: ExecutionParameters;
  readonly request: AccessRequest;
}) => (
  <section class="card">
    <h2>Runs once, exactly this</h2>
    <dl class="facts">
      <Fact name="Tool">
        <Words text={`${parameters.tool} (version ${parameters.toolVersion})`} />
      </Fact>
      <Fact name="On">
        <Words text={parameters.target} />
      </Fact>
    </dl>
    <h3 id="arguments">Arguments</h3>
    {/* What scrolls has to be reached by the keyboard (WCAG 2.1.1). */}
    <section class="arguments" tabindex={0} aria-labelledby="arguments">
      <pre>
        <Words text={JSON.stringify(parameters.arguments, null, 2)} />
      </pre>
    </section>
    <dl class="facts">
      <Fact name="To contain it">
        <Plan text={request.containment} />
      </Fact>
      <Fact name="To roll it back">
        <Plan text={request.rollback} />
      </Fact>
    </dl>
  </section>
);

const Plan = ({ text }: { readonly text: string | undefined }) =>
  text === undefined ? <span class="muted">nothing was said</span> : <Words text={text} />;

const PRECEDENTS: Readonly<Record<LinkedPrecedent['kind'], string>> = {
  'reported-denial': 'A control denied it',
  'hard-stop': 'An earlier request was stopped',
  refused: 'An earlier request was refused',
  denied: 'An earlier request was denied',
  cancelled: 'An earlier request was cancelled',
  withdrawn: 'An earlier request was withdrawn',
  unanswered: 'An earlier request ended unanswered',
  open: 'The same is being asked for already',
};

/** What a machine denied before, and what to look at more closely. */
export const LookCloser = ({
  precedents,
  flags,
}: {
  readonly precedents: readonly PrecedentView[];
  readonly flags: readonly string[];
}) => {
  if (precedents.length + flags.length === 0) return null;
  return (
    <section class="card warn">
      <h2>Look closer</h2>
      <ul class="plain-list">
        {precedents.map(({ kind, about, by, atMs, requester, beneficiary }) => (
          <li>
            {`${PRECEDENTS[kind]}: `}
            <Words text={about} />
            {requester !== undefined && (
              <>
                {', asked by '}
                <Who id={requester} />
              </>
            )}
            {beneficiary !== undefined && beneficiary !== requester && (
              <>
                {' for '}
                <Who id={beneficiary} />
              </>
            )}
            {by !== undefined && (
              <>
                {', by '}
                <Who id={by} />
              </>
            )}{' '}
            <When atMs={atMs} />
          </li>
        ))}
        {flags.map((flag) => (
          <li>
            <Words text={flag} />
          </li>
        ))}
      </ul>
    </section>
  );
};

/** What policy said, and by which rule. */
export const PolicySaid = ({
  assessment,
  titleOf,
}: {
  readonly assessment: Assessment;
  readonly titleOf: (policyId: string) => string | undefined;
}) => (
  <section class="card">
    <h2>What policy says</h2>
    <p>{assessment.explanation}</p>
    {assessment.safeWay !== undefined && (
      <p>
        <strong>The safe way:</strong> {assessment.safeWay}
      </p>
    )}
    {assessment.remedy !== undefined && (
      <p>
        <strong>What would change the answer:</strong> {sayRemedy(assessment.remedy)}
      </p>
    )}
    <ul class="plain-list">
      {assessment.determiningPolicies.map((id) => (
        <li>
          <code>{id}</code> {titleOf(id)}
        </li>
      ))}
    </ul>
    <details>
      <summary>Reason codes and digests</summary>
      <dl class="facts">
        <Fact name="Reasons">{assessment.reasonCodes.join(', ')}</Fact>
        <Fact name="Policy">
          <Digest value={assessment.policyDigest} />
        </Fact>
        <Fact name="Directory">
          <Digest value={assessment.directoryDigest} />
        </Fact>
      </dl>
    </details>
  </section>
);
