import { decode, readForm } from '../../gateway/http/body';
import type { PageRoutes } from '../page-routes';
import { askedSchema, loggedInView, loginView } from '../pages/login';

/**
 * Adds the page on which a person lets the command line on their own machine read in their name. The answer goes to that machine's
 * loopback address and nowhere else (RFC 8252 section 7.3).
 */
export function addLogin(routes: PageRoutes): void {
  const { readers } = routes.gateway;
  routes.get('/login', async (c, visitor) => loginView(decode(c.req.query(), askedSchema, 'query'), visitor));
  routes.guarded('POST', '/login', async (c, visitor) => {
    const { port, challenge, state } = decode(await readForm(c), askedSchema, 'form');
    const { person, passkey, seen } = visitor;
    const by = seen === undefined ? { kid: passkey?.keyId ?? '' } : { seen };
    const code = await readers.codeFor(person, by, challenge);
    const back = `http://127.0.0.1:${port}/?${new URLSearchParams({ code, state })}`;
    // A redirect after a form would be held back by our own content security policy, which lets forms go to ourselves only.
    c.header('refresh', `0; url=${back}`);
    return routes.show(c, loggedInView(back), visitor);
  });
}
