import type { View } from '../layout';

/** Says on a page what went wrong. */
export const troubleView = (status: NonNullable<View['status']>, title: string, detail: string): View => ({
  title,
  status,
  body: (
    <section class="door">
      <p class="eyebrow">{status}</p>
      <h1>{title}</h1>
      <p class="lead">{`${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`}</p>
      <p>
        <a href="/">Back to what awaits you</a>
      </p>
    </section>
  ),
});
