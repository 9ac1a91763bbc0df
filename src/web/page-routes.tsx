import { html } from 'hono/html';
import type { Gateway } from '../gateway/gateway';
import { type GatewayApp, type GatewayContext, problem } from '../gateway/http/app';
import { HttpProblem } from '../gateway/http/problem';
import { networkOf } from '../gateway/http/rate-limit';
import { addressOf } from '../gateway/routes/adder';
import { type Assets, addAssets } from './assets';
import { Cookies } from './cookies';
import { refuseCrossSite, rightPlace, setSecurityHeaders } from './guard';
import { Layout, type View } from './layout';
import { PAGES } from './pages';
import { troubleView } from './pages/trouble';
import type { Sessions, Visitor } from './sessions';

type Method = 'GET' | 'POST';

/** What every route of the pages needs: who visits, the guards, the limits, and the frame around what is shown. */
export class PageRoutes {
  readonly cookies: Cookies;
  readonly assets: Assets;

  constructor(
    private readonly app: GatewayApp,
    readonly gateway: Gateway,
    readonly origin: string,
    readonly sessions: Sessions,
  ) {
    this.cookies = new Cookies(origin);
    this.assets = addAssets(app, origin);
  }

  /** Adds a page for people who are signed in. Others are sent to sign in, and back. */
  get(path: string, view: (c: GatewayContext, visitor: Visitor) => Promise<View>): void {
    this.open('GET', path, async (c) => {
      const visitor = await this.visitor(c);
      if (visitor === undefined) {
        const { pathname, search } = new URL(c.req.url);
        const to = pathname === '/' ? '' : `?to=${encodeURIComponent(pathname + search)}`;
        return c.redirect(`/sign-in${to}`, 303);
      }
      this.#take(visitor, 'reading');
      return this.show(c, await view(c, visitor), visitor);
    });
  }

  /** Adds a route for the script of the pages. Who is not signed in gets 401. */
  guarded(
    method: Method,
    path: string,
    handle: (c: GatewayContext, visitor: Visitor) => Promise<Response>,
  ): void {
    this.open(method, path, async (c) => {
      const visitor = await this.visitor(c);
      if (visitor === undefined) throw new HttpProblem(401, 'you are signed out');
      this.#take(visitor, method === 'GET' ? 'reading' : 'submission');
      return handle(c, visitor);
    });
  }

  /** Adds a route that anyone may call, from our own pages only. What goes wrong is said on a page, or to the script. */
  open(method: Method, path: string, handle: (c: GatewayContext) => Promise<Response>): void {
    this.app.on(method, path, async (c) => {
      c.set('route', path.replace(/:([a-z]+)/g, '{$1}'));
      setSecurityHeaders(c, this.origin);
      try {
        const elsewhere = rightPlace(c, this.origin);
        if (elsewhere !== undefined && method === 'GET') return c.redirect(elsewhere, 302);
        refuseCrossSite(c, this.origin);
        return await handle(c);
      } catch (error) {
        return this.#trouble(c, error);
      }
    });
  }

  visitor(c: GatewayContext): Promise<Visitor | undefined> {
    return this.sessions.visitor(this.cookies.read(c, 'session'));
  }

  /** Limits calls of who is not signed in, by network. */
  takeStranger(c: GatewayContext): void {
    const { limiter, config } = this.gateway;
    limiter.take(networkOf(addressOf(c)), 'unauthenticated', config.limits.unauthenticated);
  }

  async show(c: GatewayContext, view: View, visitor?: Visitor): Promise<Response> {
    const links =
      visitor === undefined
        ? []
        : PAGES.flatMap(({ path, label, isFor }) =>
            label !== undefined && (isFor?.(visitor) ?? true) ? [{ path, label }] : [],
          );
    const frame = {
      assets: this.assets,
      nowMs: this.gateway.nowMs(),
      visitor,
      links,
      here: c.req.path,
    };
    return c.html(html`<!doctype html>${<Layout frame={frame} view={view} />}`, view.status ?? 200);
  }

  async #trouble(c: GatewayContext, error: unknown): Promise<Response> {
    const isKnown = error instanceof HttpProblem;
    if (!isKnown)
      this.gateway.log.error(
        { requestId: c.get('requestId'), path: c.req.path, error: String(error) },
        'a page failed',
      );
    const known = isKnown
      ? error
      : new HttpProblem(500, `something went wrong here; quote ${c.get('requestId')}`);
    if (c.req.header('accept')?.includes('text/html') !== true) return problem(c, known);
    const { title } = known.body();
    const visitor = await this.visitor(c).catch(() => undefined);
    for (const [name, value] of Object.entries(known.about.headers ?? {})) c.header(name, value);
    return this.show(c, troubleView(statusOf(known), String(title), known.detail), visitor);
  }

  #take({ person }: Visitor, limit: 'reading' | 'submission'): void {
    this.gateway.limiter.take(person, limit, this.gateway.config.limits[limit]);
  }
}

const PAGE_STATUSES = [400, 401, 403, 404, 409, 410, 413, 429, 503] as const;
const statusOf = ({ status }: HttpProblem): NonNullable<View['status']> =>
  PAGE_STATUSES.find((one) => one === status) ?? 500;
