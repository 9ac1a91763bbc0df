import type { View } from '../layout';

/**
 * The page of who is not signed in. `to` is the path of the page that they came for, `provider` what the identity provider is called, where
 * there is one.
 */
export const signInView = (to: string, provider: string | undefined): View => ({
  title: 'Sign in',
  body: (
    <section class="door">
      <h1>Sign in with your passkey</h1>
      <p class="lead">
        Your passkey shows who you are. Signing in only lets you read; each decision asks for the passkey
        again.
      </p>
      <form data-ceremony="sign-in" data-to={to}>
        <button type="submit" class="primary wide">
          Use a passkey
        </button>
      </form>
      {provider !== undefined && (
        <p>
          <a class="button wide" href={providerLink(to)}>
            {`Sign in with ${provider}`}
          </a>
        </p>
      )}
      <p class="muted">
        No passkey yet? A governor of your organisation can invite you: <code>countersign enrol</code>.
      </p>
    </section>
  ),
});

/** Where signing in at the identity provider begins, for the page `to`. */
export const providerLink = (to: string): string => `/sign-in/provider?to=${encodeURIComponent(to)}`;
