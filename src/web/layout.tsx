import type { Child } from 'hono/jsx';
import type { Assets } from './assets';
import { Who } from './parts/words';
import type { Visitor } from './sessions';

/** What the frame around a page needs to know. */
export interface Frame {
  readonly assets: Assets;
  readonly nowMs: number;
  readonly visitor?: Visitor | undefined;
  /** The pages that this visitor finds in the navigation. */
  readonly links: readonly { readonly path: string; readonly label: string }[];
  readonly here: string;
}

/** What one page puts into the frame. */
export interface View {
  readonly title: string;
  readonly body: Child;
  /** Where the page hears that it is out of date. */
  readonly live?: string;
  readonly status?: 200 | 400 | 401 | 403 | 404 | 409 | 410 | 413 | 429 | 500 | 503;
}

/** The frame of every page: head, navigation, the page, and a place for what was said. */
export const Layout = ({ frame, view }: { readonly frame: Frame; readonly view: View }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>{`${view.title} · Countersign`}</title>
      <link rel="icon" href={frame.assets.icon.href} type="image/svg+xml" />
      <link rel="manifest" href="/manifest.webmanifest" />
      <link rel="apple-touch-icon" href={frame.assets.picture.href} />
      <meta name="theme-color" content="#0b5c52" />
      <link rel="stylesheet" href={frame.assets.style.href} integrity={frame.assets.style.integrity} />
      <script type="module" src={frame.assets.script.href} integrity={frame.assets.script.integrity}></script>
    </head>
    <body data-now={String(frame.nowMs)} data-live={view.live}>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <Banner frame={frame} />
      <main id="main">
        <output id="said"></output>
        <noscript>
          <p class="said bad">Without its script this page only reads: passkeys sign through it.</p>
        </noscript>
        {view.body}
      </main>
      <footer class="foot">
        Nothing on a page counts by itself. Each decision is signed by its own person's passkey, over exactly
        the request that was shown.
      </footer>
    </body>
  </html>
);

const Banner = ({ frame: { assets, visitor, links, here } }: { readonly frame: Frame }) => (
  <header class="banner">
    <a class="brand" href="/">
      <img src={assets.icon.href} alt="" width="26" height="26" />
      Countersign
    </a>
    {visitor !== undefined && (
      <>
        <nav aria-label="Pages">
          {links.map(({ path, label }) => (
            <a href={path} aria-current={path === here ? 'page' : undefined}>
              {label}
            </a>
          ))}
        </nav>
        <form class="leave" method="post" action="/sign-out">
          <Who id={visitor.person} />
          <button type="submit" class="plain">
            Sign out
          </button>
        </form>
      </>
    )}
  </header>
);
