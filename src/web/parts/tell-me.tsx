/** Lets a person be told on this device that they are awaited. The script shows it where the browser can do that. */
export const TellMe = ({ publicKey }: { readonly publicKey: string | undefined }) =>
  publicKey === undefined ? undefined : (
    <section id="tell-me" data-key={publicKey} hidden>
      <h2>Be told on this device</h2>
      <p class="muted">
        This device then shows a line when something waits for you. The line says how much waits, and not
        what. It passes through the push service of your browser's maker, encrypted.
      </p>
      <form data-ceremony="tell-me">
        <button type="submit">Tell me on this device</button>
      </form>
      <form data-ceremony="tell-me-no-more" hidden>
        <button type="submit">Stop telling me on this device</button>
      </form>
    </section>
  );
