import type { View } from '../layout';
import type { Visitor } from '../sessions';
import { providerLink } from './sign-in';

/** The identity provider that people sign in at before they register a passkey, and who is signed in there. */
export interface EnrolGate {
  readonly title: string;
  readonly visitor: Visitor | undefined;
}

/** The page that an invitation leads to. What the invitation says stays in the browser; its script fills the page in. */
export const enrolView = (gate: EnrolGate | undefined): View => ({
  title: 'Register a passkey',
  body: (
    <section class="door">
      <h1>Register your passkey</h1>
      {gate !== undefined && gate.visitor?.seen === undefined ? (
        <div data-invitation="keep">
          <p class="lead">{`First show who you are: sign in with ${gate.title}. Then you come back here.`}</p>
          <p>
            <a class="button primary wide" href={providerLink('/enrol')}>
              {`Sign in with ${gate.title}`}
            </a>
          </p>
        </div>
      ) : (
        <EnrolForm gate={gate} />
      )}
      <p class="muted">
        The passkey stays on your device. It shows who you are, and signs what you decide: nobody can do that
        for you. An invitation is good for one passkey.
      </p>
      <p>
        <a href="/sign-in">Sign in</a>
      </p>
    </section>
  ),
});

const EnrolForm = ({ gate }: { readonly gate: EnrolGate | undefined }) => (
  <form
    data-ceremony="enrol"
    data-invitation="use"
    data-to={gate === undefined ? '/v1/keys' : '/enrol/keys'}
    data-seen={gate?.visitor?.seen && JSON.stringify(gate.visitor.seen)}
    hidden
  >
    <p class="lead">
      For <strong id="invited"></strong>, invited by <strong id="inviter"></strong>.
    </p>
    {gate !== undefined && <p>{`You signed in with ${gate.title} as ${gate.visitor?.person}.`}</p>}
    <label>
      Name of this device (optional)
      <input name="label" maxlength={64} autocomplete="off" />
    </label>
    <button type="submit" class="primary wide">
      Create a passkey
    </button>
  </form>
);
