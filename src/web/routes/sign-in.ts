import { webauthnEnvelopeSchema } from '../../contracts/request';
import type { Result } from '../../domain/refusal';
import type { GatewayContext } from '../../gateway/http/app';
import { readBody } from '../../gateway/http/body';
import { HttpProblem } from '../../gateway/http/problem';
import type { IdentityProvider } from '../identity-provider';
import { returnPath } from '../origin';
import type { PageRoutes } from '../page-routes';
import { signInView } from '../pages/sign-in';

/** Where the identity provider sends people back to. It is registered there, so it stays as it is. */
const RETURN_PATH = '/sign-in/return';

/** Adds signing in, by passkey or at the identity provider, and signing out. */
export function addSignIn(routes: PageRoutes, provider: IdentityProvider | undefined): void {
  const { sessions, cookies, origin } = routes;
  const wanted = (c: GatewayContext): string => returnPath(c.req.query('to'), origin);

  routes.open('GET', '/sign-in', async (c) => {
    const to = wanted(c);
    if ((await routes.visitor(c)) !== undefined) return c.redirect(to, 303);
    return routes.show(c, signInView(to, provider?.title));
  });
  routes.open('POST', '/sign-in/begin', async (c) => {
    routes.takeStranger(c);
    const { claims, token } = await sessions.begin();
    cookies.write(c, 'signIn', token);
    return c.json({ claims });
  });
  routes.open('POST', '/sign-in', async (c) => {
    routes.takeStranger(c);
    const envelope = await readBody(c, webauthnEnvelopeSchema);
    const begun = cookies.read(c, 'signIn');
    cookies.clear(c, 'signIn');
    const { session, person } = taken(await sessions.finish(begun, envelope));
    cookies.write(c, 'session', session);
    return c.json({ person });
  });
  routes.open('POST', '/sign-out', async (c) => {
    await sessions.end(cookies.read(c, 'session'));
    cookies.clear(c, 'session');
    return c.redirect('/sign-in', 303);
  });
  if (provider === undefined) return;
  routes.open('GET', '/sign-in/provider', async (c) => {
    routes.takeStranger(c);
    const { address, token } = await provider.begin(wanted(c), `${origin}${RETURN_PATH}`);
    cookies.write(c, 'provider', token);
    return c.redirect(address, 303);
  });
  routes.open('GET', RETURN_PATH, async (c) => {
    routes.takeStranger(c);
    const begun = cookies.read(c, 'provider');
    cookies.clear(c, 'provider');
    const { search } = new URL(c.req.url);
    const { person, seen, to } = taken(await provider.finish(begun, new URL(RETURN_PATH + search, origin)));
    cookies.write(c, 'session', taken(await sessions.open(person, seen)).session);
    return c.redirect(returnPath(to, origin), 303);
  });
}

function taken<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new HttpProblem(403, result.refusal.detail, { code: result.refusal.code });
}
