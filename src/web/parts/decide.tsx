import type { Child } from 'hono/jsx';
import { STATEMENT_TYPE } from '../../contracts/statement';
import { LIMITS } from '../../domain/limits';
import { assessmentOf, type ReadState } from '../../domain/state';
import type { Verb } from '../../domain/statement';
import { VERB_DESCRIPTORS } from '../../domain/verbs';
import type { LoadedBundle } from '../../policy';
import { openReroutes } from '../reroutes';
import type { Visitor } from '../sessions';
import { lifeMs, proposedChange, sayable } from '../verbs';
import { CancelReason, LessTime, PathSwitch, Replacement, Verdict } from './verb-fields';
import { Who } from './words';

/** One form that signs one statement. */
export interface VerbForm {
  readonly verb: Verb;
  readonly button: string;
  readonly done: string;
  readonly look: 'primary' | 'danger' | 'quiet';
  /** Fields besides the comment. */
  readonly fields?: Child;
  /** Whether the form does not go without a comment. */
  readonly reasonNeeded?: boolean;
  /** What is claimed besides, whatever is typed. */
  readonly claims?: Readonly<Record<string, string>>;
}

/** What the forms of one request depend on: where it stands, who looks, and the bundle in force. */
export interface Deciding {
  readonly state: ReadState;
  readonly visitor: Visitor;
  readonly bundle: Pick<LoadedBundle, 'context' | 'emergencyReroutes' | 'rerouteReasons'>;
  readonly nowMs: number;
}

type Forms = (deciding: Deciding) => readonly Omit<VerbForm, 'verb'>[];

/** The forms of each verb, in the order in which they are offered: what is most likely wanted comes first. */
const FORMS: Readonly<Record<Verb, Forms>> = {
  approve: ({ state }) => [
    { button: 'Approve', done: 'Your approval counts.', look: 'primary', fields: <LessTime state={state} /> },
  ],
  confirm: () => [{ button: 'Confirm scope and intent', done: 'Your confirmation counts.', look: 'primary' }],
  endorse: () => [{ button: 'Endorse the reroute', done: 'The reroute is in force.', look: 'primary' }],
  deny: () => [{ button: 'Deny', done: 'The request is denied.', look: 'danger', reasonNeeded: true }],
  review: () => [
    {
      button: 'Give the verdict',
      done: 'Your review is on record.',
      look: 'primary',
      fields: <Verdict />,
    },
  ],
  revoke: () => [{ button: 'End the access now', done: 'The access is being ended.', look: 'danger' }],
  withdraw: () => [{ button: 'Withdraw', done: 'The request is withdrawn.', look: 'quiet' }],
  cancel: () => [
    {
      button: 'Cancel the request',
      done: 'The request is cancelled.',
      look: 'danger',
      reasonNeeded: true,
      fields: <CancelReason />,
    },
  ],
  reroute: rerouteForms,
  report: () => [],
};
const ORDER = Object.keys(FORMS);

function rerouteForms({ state, visitor, bundle, nowMs }: Deciding): readonly Omit<VerbForm, 'verb'>[] {
  const { replacements, switches, emergencies } = openReroutes(state, visitor, bundle, nowMs);
  const grounds = {
    reasons: bundle.rerouteReasons,
    policies: assessmentOf(state)?.determiningPolicies ?? [],
  };
  const form = { done: 'The reroute is on record.', look: 'quiet' } as const;
  return [
    ...(replacements.length === 0
      ? []
      : [{ ...form, button: 'Reroute', fields: <Replacement stages={replacements} {...grounds} /> }]),
    ...(switches.length === 0
      ? []
      : [{ ...form, button: 'Take another path', fields: <PathSwitch switches={switches} {...grounds} /> }]),
    ...emergencies.map(({ condition, title, stages }) => ({
      ...form,
      button: `Emergency reroute: ${condition}`,
      fields: (
        <>
          <p class="muted">{`${title}. It leaves a review owed.`}</p>
          <Replacement stages={stages} {...grounds} />
        </>
      ),
      claims: { emergencyCondition: condition },
    })),
  ];
}

/** Returns a form for each thing that this person can sign now, and none for anything else. */
export function formsOf(deciding: Deciding): readonly VerbForm[] {
  return sayable(deciding.state, deciding.visitor, deciding.nowMs)
    .toSorted((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b))
    .flatMap((verb) => FORMS[verb](deciding).map((form) => ({ verb, ...form })));
}

interface DecisionsProps {
  readonly forms: readonly VerbForm[];
  readonly state: ReadState;
  readonly visitor: Visitor;
  /** True if the first form is open. The others open when they are chosen. */
  readonly opensFirst?: boolean;
}

export const Decisions = ({ forms, state, visitor, opensFirst = false }: DecisionsProps) => (
  <div class="decisions">
    {forms.map((form, index) =>
      index === 0 && opensFirst ? (
        <SignedForm form={form} state={state} visitor={visitor} />
      ) : (
        <details class={`verb ${form.look}`}>
          <summary>{`${form.button} …`}</summary>
          <SignedForm form={form} state={state} visitor={visitor} />
        </details>
      ),
    )}
  </div>
);

interface SignedFormProps {
  readonly form: VerbForm;
  readonly state: ReadState;
  readonly visitor: Visitor;
}

function SignedForm({ form, state, visitor }: SignedFormProps) {
  const { button, done, look, fields, reasonNeeded = false } = form;
  return (
    <form
      class="decide"
      data-ceremony="sign"
      data-to={`/requests/${state.submission.request.id}/statements`}
      data-claims={JSON.stringify(claimsOf(form, state, visitor))}
      data-credential={visitor.passkey?.keyId}
      data-life={String(lifeMs(state, form.verb) / 1_000)}
      data-done={done}
    >
      {fields}
      <label>
        {reasonNeeded ? 'Why' : 'Why (optional)'}
        <textarea
          name="comment"
          rows={2}
          maxlength={LIMITS.commentCharacters}
          required={reasonNeeded}
        ></textarea>
      </label>
      <button type="submit" class={look}>
        {button}
      </button>
    </form>
  );
}

/** The claims that do not depend on what is typed. Digest and revision are those of the request that this page shows. */
function claimsOf({ verb, claims }: VerbForm, state: ReadState, { person }: Visitor) {
  const { speaksAboutStage } = VERB_DESCRIPTORS[verb];
  const { digest, revision, submission } = state;
  const proposed = proposedChange(state)?.record.jti;
  return {
    ...{ typ: STATEMENT_TYPE, iss: person, verb, request: submission.request.id, digest, revision },
    ...(speaksAboutStage &&
      state.phase === 'assessed' &&
      state.openStage !== undefined && { stage: state.openStage }),
    ...(verb === 'endorse' && proposed !== undefined && { endorses: proposed }),
    ...claims,
  };
}

/** Says whose place would go to whom, for the governor who endorses it. */
export function ProposedChange({ state }: { readonly state: ReadState }) {
  const change = proposedChange(state);
  if (change === undefined) return null;
  return change.kind === 'replacement' ? (
    <p>
      <Who id={change.record.by} /> proposes <Who id={change.record.with} /> in the place of{' '}
      <Who id={change.record.replace} /> at stage {change.record.stage}.
    </p>
  ) : (
    <p>
      <Who id={change.record.by} /> proposes the path {change.record.path.name} in place of{' '}
      {change.record.from}.
    </p>
  );
}
