import { formatDuration } from '../../contracts/duration';
import { SUBMISSION_TYPE } from '../../contracts/statement';
import type { Assessment } from '../../domain/assessment';
import { requestDigest } from '../../domain/digest';
import { type AccessRequest, parseEntitlement } from '../../domain/request';
import type { LoadedBundle } from '../../policy';
import { compose, readTyped, type Typed } from '../compose';
import type { Page } from '../page';
import type { Requestable } from '../page-service';
import { Asked, ExactAction, PolicySaid } from '../parts/about';
import { AccessForm, ActionChoice, ActionForm } from '../parts/ask-forms';
import { Whom } from '../parts/words';
import type { Visitor } from '../sessions';

/** What a person can ask for, and what will happen, before it is asked. */
export const askPage: Page = {
  path: '/ask',
  label: 'Ask',
  form: true,
  render: async ({ c, visitor, service, form, nowMs }) => {
    const requestable = await service.requestable(visitor);
    const typed = form === undefined ? undefined : readTyped(form);
    const bundle = await service.gateway.bundles.current();
    const composed = typed && compose(typed, visitor, bundle);
    return {
      title: 'Ask for access',
      body: (
        <>
          <h1>Ask for access</h1>
          {form !== undefined && typed === undefined && (
            <p class="said bad">This form was not filled in as it is.</p>
          )}
          {composed?.ok === false && <p class="said bad">{composed.why}</p>}
          {composed?.ok === true && (
            <Preview
              request={composed.request}
              assessment={bundle.policy.assess(composed.request, nowMs)}
              visitor={visitor}
              titleOf={(policy) => bundle.context.engine.rules.get(policy)?.title}
            />
          )}
          <Forms
            requestable={requestable}
            context={bundle.context}
            typed={typed}
            action={c.req.query('action')}
          />
        </>
      ),
    };
  },
};

interface FormsProps {
  readonly requestable: readonly Requestable[];
  readonly context: LoadedBundle['context'];
  readonly typed: Typed | undefined;
  /** The exact action that was chosen. */
  readonly action: string | undefined;
}

/** The forms of what policy offers. What is being filled in comes first. */
function Forms({ requestable, context, typed, action }: FormsProps) {
  const conditions = [...context.emergencyConditions];
  const offered = requestable.filter(({ answer }) => answer !== 'never');
  const [access, actions] = [
    offered.filter(({ kind }) => kind === 'access'),
    offered.filter(({ kind }) => kind === 'execution'),
  ];
  const chosen = actions.find(({ entitlement }) => entitlement === (typed?.entitlement ?? action));
  const entitlement = chosen && parseEntitlement(chosen.entitlement);
  const entry = entitlement && context.catalog.entry(entitlement);
  if (offered.length === 0) return <p class="lead">Policy offers you nothing to ask for.</p>;
  return (
    <>
      {entry !== undefined && chosen !== undefined && (
        <ActionForm
          entry={entry}
          entitlement={chosen.entitlement}
          declared={context.engine.declared.get(entry.entitlement.action)}
          conditions={conditions}
          typed={typed}
        />
      )}
      {access.length > 0 && (
        <section>
          {chosen !== undefined && <h2>Or ask for access</h2>}
          <AccessForm
            offered={access}
            conditions={conditions}
            typed={chosen === undefined ? typed : undefined}
          />
        </section>
      )}
      {actions.length > 0 && (
        <section>
          <h2>{chosen === undefined ? 'Propose an exact action' : 'Or another exact action'}</h2>
          <ActionChoice offered={actions} chosen={chosen?.entitlement} />
        </section>
      )}
    </>
  );
}

interface PreviewProps {
  readonly request: AccessRequest;
  readonly assessment: Assessment;
  readonly visitor: Visitor;
  readonly titleOf: (policyId: string) => string | undefined;
}

/** What policy would say now. It is asked again when the request is submitted, with what came before. */
function Preview({ request, assessment, visitor, titleOf }: PreviewProps) {
  const digest = requestDigest(request);
  const goesOn = assessment.outcome === 'permit' || assessment.outcome === 'approve';
  const claims = { typ: SUBMISSION_TYPE, iss: visitor.person, request: request.id, digest };
  return (
    <section class="preview">
      <div class="card">
        <h2>What will happen</h2>
        <p>{goesOn ? <Then request={request} assessment={assessment} /> : 'Policy would refuse this.'}</p>
        <Asked request={request} digest={digest} />
        {request.parameters !== undefined && (
          <ExactAction parameters={request.parameters} request={request} />
        )}
        {goesOn && (
          <form
            class="decide"
            data-ceremony="sign"
            data-to="/ask/submit"
            data-claims={JSON.stringify(claims)}
            data-request={JSON.stringify(request)}
            data-credential={visitor.passkey?.keyId}
            data-done="Your request is submitted."
          >
            <button type="submit" class="primary">
              Ask with your passkey
            </button>
          </form>
        )}
      </div>
      <PolicySaid assessment={assessment} titleOf={titleOf} />
    </section>
  );
}

function Then({ request, assessment }: Pick<PreviewProps, 'request' | 'assessment'>) {
  const duration = formatDuration(request.durationMs);
  const isAction = request.parameters !== undefined;
  if (assessment.outcome === 'permit' && isAction)
    return <>Nobody has to sign. It can be run once, within {duration}, with exactly these arguments.</>;
  if (assessment.outcome === 'permit') return <>You get it at once, for {duration}. It ends by itself.</>;
  return (
    <>
      {assessment.path?.stages.map((stage, index) => (
        <>
          {index === 0 ? 'First ' : ', then '}
          {`${stage.quorum} of `}
          <Whom ids={stage.eligible} />
        </>
      ))}{' '}
      must sign.{' '}
      {isAction
        ? `Then it can be run once, within ${duration}, with exactly these arguments.`
        : `Then you have it for ${duration}, and it ends by itself.`}
    </>
  );
}
